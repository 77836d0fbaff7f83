"""Carry out one load run, from a subject and a plan to a finished folder: the timing run, and the one under py-spy."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.model import Arrivals, Engine, Executor, Scenario
from harness.plans.plan import check_size, planned_table, spans
from harness.plans.span import Span
from harness.plans.trace import Trace
from harness.processes.host_watch import HostWatch
from harness.processes.job import Job, Ready, Started
from harness.processes.measure import Ending, MeasuredProcess, Tick
from harness.processes.served import serving
from harness.processes.subject import Subject
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts, PlanFacts, RunDocument, ServedFacts, WorkerFacts
from harness.serving.server import RunningServer
from harness.supervise import Supervisor
from harness.supervise.ending import ending
from harness.table import calls

DRAIN_S = 5.0
# The default in-flight limit is this many seconds of arrivals.
IN_FLIGHT_S = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class LoadPlan:
    """A scenario scaled to numbers."""

    scenario: Scenario
    rate_per_s: float
    users: int
    duration_s: float
    warmup_s: float
    seed: int
    split: bool = True
    waits: bool = False
    """With the split: also record the stacks on which calls waited, for a wait profile."""
    drain_s: float = DRAIN_S
    trace: Trace | None = None
    """The recorded arrivals of a scenario that replays some; its rate and duration are then those of the trace."""
    in_flight: int | None = None
    searched: Mapping[int, float] = dataclasses.field(default_factory=dict)
    """Calls per second by number of users, where the number of users was found by a search."""
    workers: int = 1
    traceparent: bool = False
    """True to give the target the header `traceparent` of each call."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return the stages placed in time."""
        return spans(self.scenario, self.rate_per_s, self.duration_s, self.warmup_s)

    @property
    def in_flight_limit(self) -> int:
        """Maximum number of calls in flight in the open model."""
        if self.in_flight is not None:
            return self.in_flight
        if self.trace is not None:
            return max(round(self.trace.peak_per_s * IN_FLIGHT_S), 1)
        fastest = max(max(span.start_rate_per_s, span.end_rate_per_s) for span in self.spans)
        return max(round(fastest * IN_FLIGHT_S), 1)

    def check(self) -> None:
        """Raise an error for a plan that cannot be run, before anything starts."""
        if self.scenario.arrivals is Arrivals.REPLAY and self.trace is None:
            raise UsageError(
                f"Scenario '{self.scenario.name}' needs a recorded trace",
                remedy="Name a CSV, a JSON Lines file or an earlier run with --replay",
            )
        if self.scenario.executor is Executor.OPEN:
            check_size(self.spans)

    def facts(self, mix: Mapping[str, float]) -> PlanFacts:
        """Return the plan in the form of `run.json`."""
        return PlanFacts(
            executor=self.scenario.executor,
            arrivals=self.scenario.arrivals,
            rate_per_s=self.rate_per_s,
            users=self.users,
            think_time_s=self.scenario.think_time_s,
            duration_s=self.duration_s,
            warmup_s=self.warmup_s,
            in_flight_limit=self.in_flight_limit,
            drain_s=self.drain_s,
            spans=self.spans,
            operations=dict(mix),
            replayed=self.trace.name if self.trace else "",
            searched={str(users): rate_per_s for users, rate_per_s in self.searched.items()},
        )

    def mix(self, ready: Ready) -> dict[str, float]:
        """Return the operations of the run: the scenario's if the target offers them all, else the target's.

        Raises `UsageError` for operations that the target does not offer, and for a choice of operations where the target's
        journey has made one.
        """
        offered = ready.operations
        recorded = self.trace.mix if self.trace else {}
        wanted = recorded or self.scenario.operations or offered
        whose = "The trace" if recorded else f"Scenario '{self.scenario.name}'"
        if ready.journey and wanted is not offered:
            raise UsageError(
                f"{whose} chooses operations, but the users of the target make them in the order of its journey",
                remedy="Use a scenario without operations, such as steady or closed",
            )
        missing = [name for name in wanted if name not in offered]
        if missing:
            raise UsageError(
                f"{whose} needs operation '{missing[0]}', which the target does not offer",
                remedy=f"It offers: {', '.join(offered)}",
            )
        return dict(wanted)

    @staticmethod
    def arriving(mix: Mapping[str, float], journey: Sequence[str]) -> dict[str, float]:
        """Return the mix of the arrivals of the open model: users arrive with the first call of their journey."""
        return {name: float(name == journey[0]) for name in mix} if journey else dict(mix)

    def job(self, folder: Path, subject: Subject) -> Job:
        """Return the job for the measured process."""
        return Job(
            kind="load",
            folder=str(folder.resolve()),
            factory=subject.factory,
            parameters=dict(subject.parameters),
            seed=self.seed,
            executor=self.scenario.executor,
            users=self.users,
            think_time_s=self.scenario.think_time_s,
            duration_s=self.duration_s,
            warmup_s=self.warmup_s,
            in_flight_limit=self.in_flight_limit,
            drain_s=self.drain_s,
            split=self.split,
            waits=self.split and self.waits,
            traceparent=self.traceparent,
            overlay=str(subject.overlay.resolve()) if subject.overlay else None,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class LoadResult:
    """The end of the run and the machine's effect on it; the numbers are in the folder."""

    ending: Ending
    host: HostFacts
    ready: Ready
    workers: tuple[WorkerFacts, ...] = ()
    """Facts of each worker, if there were several."""
    served: ServedFacts | None = None


Watcher = Callable[[int, Started], Any]
"""Called once when warm-up has begun, with the process to profile: the server's if there is one, else the measured one."""


def run_load(
    supervisor: Supervisor,
    subject: Subject,
    plan: LoadPlan,
    folder: Path,
    *,
    on_mix: Callable[[dict[str, float]], None],
    tick: Tick,
    on_started: Watcher = lambda _pid, _started: None,
) -> LoadResult:
    """Run `plan` against `subject` in a process of its own, into `folder`.

    `on_mix` gets the operations of the run before it begins. Raises `TargetError` or `UsageError` for a target
    that cannot be made or does not fit. A run that has begun raises nothing; the result says how it ended.
    """
    plan.check()
    with serving(supervisor, subject, folder) as served:
        job = plan.job(folder, served.subject)
        with MeasuredProcess(supervisor, job, folder / "worker.log", subject.environment) as process:
            ready = served.ready(process.wait_ready())
            mix = plan.mix(ready)
            on_mix(mix)
            if plan.scenario.executor is Executor.OPEN:
                place = functools.partial(calls.create, folder / RunDirectory.CALLS)
                arriving = plan.arriving(mix, ready.journey)
                planned_table(plan.scenario, plan.spans, arriving, plan.seed, plan.trace, place)
            started = process.go(mix)
            on_started(served.profiled(process.pid), started)
            watch = HostWatch(process.pid, plan.duration_s, of_all_threads=ready.engine is Engine.THREADS)
            ending = process.follow(started, served.watching(watch.tick, tick))
        facts = served.facts()
    if plan.scenario.executor is Executor.CLOSED and ending.trouble:
        # A killed process has not sealed its table; a table that cannot be sealed is judged when it is read.
        with contextlib.suppress(HarnessError, OSError):
            calls.seal(folder / RunDirectory.CALLS)
    return LoadResult(ending, watch.facts(), ready, served=facts)


def run_into(
    directory: RunDirectory,
    supervisor: Supervisor,
    subject: Subject,
    plan: LoadPlan,
    document_of: Callable[[dict[str, float]], RunDocument],
    tick: Tick,
    run: Callable[..., LoadResult] = run_load,
) -> tuple[RunDocument, LoadResult]:
    """Run as `run_load` does into a run directory, with `run.json` written when the run begins and at its end.

    `run` takes the arguments of `run_load`; `document_of` gets the operations of the run and returns the facts that are
    known beforehand.
    """
    begun: list[RunDocument] = []
    under_test = {subject.server.child} if isinstance(subject.server, RunningServer) else set()

    def begin(mix: dict[str, float]) -> None:
        begun.append(document_of(mix))
        directory.write(begun[0])

    # Mostly servers: calls that fail because a server has gone say nothing about the target.
    beside = [child for child in supervisor.running() if child not in under_test]
    result = run(supervisor, subject, plan, directory.timing, on_mix=begin, tick=tick)
    gone = [
        f"{child.name} {ending(code)} during the run"
        for child in beside
        if (code := child.poll()) is not None
    ]
    (document,) = begun
    document.status = "finished"
    document.interrupted = result.ending.interrupted
    document.host = result.host
    document.workers = list(result.workers)
    document.served = result.served
    lost = result.served.trouble if result.served else None
    document.trouble = [sentence for sentence in (result.ending.trouble, lost, *gone) if sentence]
    document.notes = [*result.ready.notes, *([result.ending.note] if result.ending.note else [])]
    document.remarks = list(result.ready.remarks)
    directory.write(document)
    return document, result
