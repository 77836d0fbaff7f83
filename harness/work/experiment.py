"""Carry out `harness run`: start servers, find a rate, and make a timing run and profile runs for each variant."""

import dataclasses
from pathlib import Path

from harness.console.console import Talk
from harness.console.watching import watched
from harness.errors import HarnessError
from harness.policy.thresholds import Thresholds
from harness.processes.loadrun import LoadPlan, run_into, run_load
from harness.processes.several import run_with_workers
from harness.profiling.runs import USUAL, Sampling, profile_cpu, profile_memory
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.run.documents import RunDocument
from harness.supervise import Supervisor
from harness.work.begun import document_of
from harness.work.client_ceiling import with_client
from harness.work.ended import Work
from harness.work.finished import add_wait_profile, write_histograms
from harness.work.preparing import Find, label_of, prepared, subject_of
from harness.work.servers import Backends, data_of, provide
from harness.work.subjects import Selection


@dataclasses.dataclass(frozen=True, slots=True)
class RunRequest:
    """The checked request of the user."""

    selection: Selection
    plan: LoadPlan
    find: Find
    profiles: tuple[str, ...]
    backends: str
    out: Path
    command: str
    slos: tuple[str, ...] = ()
    thresholds: Thresholds | None = None
    sampling: Sampling = USUAL
    shape: tuple[str, ...] = ()
    """Options that shaped the plan, for `run.json`."""


def carry_out(request: RunRequest, talk: Talk) -> Work:
    """Run every variant. Ctrl-C ends the work cleanly and keeps what was measured.

    An error before any measurement is raised; a later one is kept beside the runs.
    """
    work = Work()
    begun = {variant: _begin(request, variant) for variant in request.selection.variants}
    logs = next(iter(begun.values())).servers
    try:
        with work.measuring(lambda: work.directories) as supervisor:
            servers = provide(request.backends, supervisor, logs, talk, data_of(request.selection.spec))
            with servers as started:
                plan = prepared(request.selection, request.plan, request.find, supervisor, started, talk)
                backends = with_client(started, request.selection, plan, supervisor, talk)
                request = dataclasses.replace(request, plan=plan)
                for variant, directory in begun.items():
                    _Variant(request, variant, directory, supervisor, backends, talk).carry_out(work)
                    if work.interrupted:
                        break
    finally:
        for directory in begun.values():
            # A folder without a measurement is useless: the facts are written when the run begins.
            if not directory.facts_path.exists():
                directory.discard()
    return work


def _begin(request: RunRequest, variant: str) -> RunDirectory:
    return RunDirectory.create(request.out, request.plan.scenario.name, variant)


def _returned(directory: RunDirectory) -> bool:
    """Tell whether any call of the measured time returned."""
    try:
        return load(directory.path).total.count > 0
    except HarnessError:
        return False


class _Variant:
    """One variant: its document, its timing run, its profile runs."""

    def __init__(
        self,
        request: RunRequest,
        variant: str,
        directory: RunDirectory,
        supervisor: Supervisor,
        backends: Backends,
        talk: Talk,
    ) -> None:
        self._request = request
        self._variant = variant
        self._directory = directory
        self._supervisor = supervisor
        self._backends = backends
        self._talk = talk
        self._subject = subject_of(request.selection, variant, backends)

    def carry_out(self, work: Work) -> None:
        """Measure; each step is stored before the next begins.

        Raises `RefusedError` for a target that cannot be measured; earlier measurements are kept, marked as not valid.
        """
        label, plan = label_of(self._request.selection, self._variant), self._request.plan
        self._backends.forget()
        with watched(self._talk, f"Timing {label}", plan, self._directory.timing) as tick:
            document, result = run_into(
                self._directory,
                self._supervisor,
                self._subject,
                plan,
                self._document,
                tick,
                run_with_workers if plan.workers > 1 else run_load,
            )
        if result.ending.refused and not _returned(self._directory):
            self._directory.discard()
            raise result.ending.refused
        work.directories.append(self._directory)
        work.interrupted = document.interrupted
        self._evaluate(document)
        try:
            result.ending.raise_refusal()
            if not work.interrupted:
                self._profile(document, label)
        finally:
            self._directory.write(document)

    def _document(self, mix: dict[str, float]) -> RunDocument:
        return document_of(self._request, self._variant, self._request.plan, mix, self._backends)

    def _evaluate(self, document: RunDocument) -> None:
        try:
            run = load(self._directory.path)
        except HarnessError as error:
            document.trouble.append(str(error))
            return
        document.backends = self._backends.facts(run.counters, run.measured_s, run.total.count)
        write_histograms(run)
        add_wait_profile(run, document, split=self._request.plan.split)

    def _profile(self, document: RunDocument, label: str) -> None:
        plan, request = self._request.plan, self._request
        if "cpu" in request.profiles:
            self._backends.forget()
            with self._talk.progress(f"CPU profile of {label}", plan.duration_s, plan.warmup_s) as tick:
                document.profiles.cpu = profile_cpu(
                    self._supervisor,
                    self._subject,
                    plan,
                    self._directory.path / "cpu",
                    tick,
                    request.sampling,
                )
        if "memory" in request.profiles:
            self._backends.forget()
            self._talk.say(f"Memory profile of {label} …")
            document.profiles.memory = profile_memory(
                self._supervisor,
                self._subject,
                plan,
                self._directory.path / "memory",
                follow_fork=request.sampling.children,
            )
