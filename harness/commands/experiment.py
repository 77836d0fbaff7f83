"""The work of `harness run`: servers, a rate, and for each variant a timing run and its profile runs."""

import contextlib
import dataclasses
import datetime as dt
import tempfile
from pathlib import Path

from harness import environment
from harness.commands.console import Talk
from harness.commands.servers import Backends, provide
from harness.commands.subjects import Selection
from harness.distributions import Distributions
from harness.errors import HarnessError, InvalidRunError
from harness.loadrun import LoadPlan, Subject, run_load
from harness.measure import Tick
from harness.model import Executor
from harness.profiling import profile_cpu, profile_memory
from harness.run import RunDirectory, RunDocument
from harness.summary import load, throughput
from harness.supervise import Supervisor, termination_as_exception
from harness.units import format_rate, significant

_PROBE_S = 2.0
_PROBE_WARMUP_S = 1.0
_PROBE_USERS = 8
# A rate that a healthy machine can hold: half of what the slowest variant did in the probe.
_PROBE_SHARE = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """All that the user asked for, checked."""

    selection: Selection
    plan: LoadPlan
    find_rate: bool
    profiles: tuple[str, ...]
    backends: str
    out: Path
    command: str

    @property
    def data(self) -> str:
        """The size of the data that the servers are seeded with."""
        return self.selection.spec.parameters.get("data", "small")


@dataclasses.dataclass(slots=True)
class Work:
    """The run directories that were begun, and whether the user stopped the work."""

    directories: list[RunDirectory] = dataclasses.field(default_factory=list)
    interrupted: bool = False
    error: HarnessError | None = None
    """What ended the work after a first variant had been measured."""


def carry_out(request: Request, talk: Talk) -> Work:
    """Run every variant. Ctrl-C ends the work in good order and keeps what was measured.

    An error before anything was measured is raised; a later one is kept beside the runs that there are.
    """
    work = Work()
    begun = {variant: _begin(request, variant) for variant in request.selection.variants}
    logs = next(iter(begun.values())).servers
    try:
        with termination_as_exception(), Supervisor() as supervisor:
            servers = provide(
                request.backends, supervisor, logs, talk, data=request.data, seed=request.plan.seed
            )
            with servers as backends:
                if request.find_rate:
                    request = _with_rate(request, supervisor, backends, talk)
                for variant, directory in begun.items():
                    _Variant(request, variant, directory, supervisor, backends, talk).carry_out(work)
                    if work.interrupted:
                        break
    except KeyboardInterrupt:
        work.interrupted = True
    except HarnessError as error:
        if not work.directories:
            raise
        work.error = error
    finally:
        for directory in begun.values():
            # A folder without a measurement helps nobody: the facts are written when the run begins.
            if not directory.facts_path.exists():
                directory.discard()
    return work


def _begin(request: Request, variant: str) -> RunDirectory:
    return RunDirectory.create(request.out, request.plan.scenario.name, variant)


def _subject(request: Request, variant: str, backends: Backends) -> Subject:
    own = backends.parameters if request.backends != "none" else {}
    return Subject(
        request.selection.entry.factory,
        {**own, **request.selection.parameters(variant)},
        backends.environment,
    )


def _with_rate(request: Request, supervisor: Supervisor, backends: Backends, talk: Talk) -> Request:
    """Find what the slowest variant can do, by closed users without think time, and plan half of it."""
    scenario = dataclasses.replace(request.plan.scenario, executor=Executor.CLOSED, think_time_s=0.0)
    probe = dataclasses.replace(
        request.plan, scenario=scenario, users=_PROBE_USERS, duration_s=_PROBE_S, warmup_s=_PROBE_WARMUP_S,
        split=False,
    )  # fmt: skip
    found: dict[str, float] = {}
    for variant in request.selection.variants:
        backends.forget()
        with (
            tempfile.TemporaryDirectory() as folder,
            talk.progress(
                f"Probing {variant or request.selection.spec.text}", _PROBE_S, _PROBE_WARMUP_S
            ) as tick,
        ):
            subject = _subject(request, variant, backends)
            result = run_load(supervisor, subject, probe, Path(folder), on_mix=lambda _mix: None, tick=tick)
            if result.ending.interrupted:
                raise KeyboardInterrupt
            found[variant] = throughput(Path(folder) / RunDirectory.CALLS, _PROBE_S)
    slowest = min(found, key=lambda variant: found[variant])
    if not found[slowest]:
        raise InvalidRunError(
            f"No rate could be found: no call of variant '{slowest}' completed in the probe",
            remedy="Give a --rate, and look at the calls that fail",
        )
    rate = float(f"{found[slowest] * _PROBE_SHARE:.2g}")
    talk.say(
        f"Rate: {format_rate(rate)}, half of what {slowest or 'the target'} did at most "
        f"({significant(found[slowest])}/s)"
    )
    plan = dataclasses.replace(request.plan, rate_per_s=rate)
    plan.check()
    return dataclasses.replace(request, plan=plan)


class _Variant:
    """One variant: its document, its timing run, its profile runs."""

    def __init__(
        self, request: Request, variant: str, directory: RunDirectory, supervisor: Supervisor,
        backends: Backends, talk: Talk,
    ) -> None:  # fmt: skip
        self._request = request
        self._variant = variant
        self._directory = directory
        self._supervisor = supervisor
        self._backends = backends
        self._talk = talk
        self._subject = _subject(request, variant, backends)
        self._document: RunDocument | None = None

    def carry_out(self, work: Work) -> None:
        """Measure; each step is on the disk before the next begins."""
        plan, label = self._request.plan, self._variant or self._request.selection.spec.text
        self._backends.forget()
        with self._progress(f"Timing {label}") as tick:
            result = run_load(
                self._supervisor, self._subject, plan, self._directory.timing, on_mix=self._begin, tick=tick
            )
        document = self._document
        if document is None:
            return
        work.directories.append(self._directory)
        document.status = "finished"
        document.interrupted = work.interrupted = result.ending.interrupted
        document.host = result.host
        if result.ending.trouble:
            document.trouble = [result.ending.trouble]
        self._directory.write(document)
        self._evaluate(document)
        if not work.interrupted:
            self._profile(document, label)
        self._directory.write(document)

    def _begin(self, mix: dict[str, float]) -> None:
        request = self._request
        self._document = RunDocument(
            scenario=request.plan.scenario.name,
            target=request.selection.spec.text,
            variant=self._variant,
            seed=request.plan.seed,
            started_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            command=request.command,
            plan=request.plan.facts(mix),
            environment={**environment.collect(), "backends": self._backends.kind},
        )
        self._directory.write(self._document)

    def _evaluate(self, document: RunDocument) -> None:
        try:
            run = load(self._directory.path)
        except HarnessError as error:
            document.trouble.append(str(error))
            return
        document.backends = self._backends.facts(run.counters, run.measured_s)
        Distributions.of(run.table, document.plan.spans).write(self._directory.histograms_path)

    def _profile(self, document: RunDocument, label: str) -> None:
        plan, request = self._request.plan, self._request
        if "cpu" in request.profiles:
            self._backends.forget()
            with self._progress(f"CPU profile of {label}") as tick:
                document.profiles["cpu"] = profile_cpu(
                    self._supervisor, self._subject, plan, self._directory, tick
                )
        if "memory" in request.profiles:
            self._backends.forget()
            self._talk.say(f"Memory profile of {label} …")
            document.profiles["memory"] = profile_memory(
                self._supervisor, self._subject, plan, self._directory
            )

    def _progress(self, what: str) -> contextlib.AbstractContextManager[Tick]:
        return self._talk.progress(what, self._request.plan.duration_s, self._request.plan.warmup_s)
