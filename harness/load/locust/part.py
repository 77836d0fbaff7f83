"""Define the common base of the parts of a plain Locust run: what it measures, and the directory of the running test."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from harness import environment as facts_of
from harness.errors import ExitCode
from harness.load.locust.log import LOG
from harness.load.locust.recording import Called, HostedTarget, Recording
from harness.load.locust.user import REQUEST_TYPE
from harness.processes.loadrun import LoadPlan
from harness.processes.worker_reports import Head
from harness.run.directory import RunDirectory
from harness.run.documents import LocustFacts, RunDocument

_LEAST_S = 0.001
# A multiple of the interval at which Locust checks its CPU usage.
_AHEAD_S = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Runs:
    """The subject of a locustfile's runs, and the folder for them."""

    called: Called
    name: str
    variant: str
    backends: str
    out: Path
    plan: Callable[[float, int, int], LoadPlan]
    """Function from (duration_s, users, workers) to the plan that Locust carried out."""
    document: Callable[[LoadPlan, Head], RunDocument]
    finished: Callable[[RunDirectory, RunDocument, Any], ExitCode]
    """Function called for each written run, with Locust's statistics; it returns the exit code of the process."""


class Part(Protocol):
    """The part of one process in a test."""

    def start(self) -> None:
        """Prepare for a test that starts. Raises `HarnessError`."""

    def begin(self, hosted: HostedTarget, scratch: Path) -> Recording:
        """Begin to record for the first user. `scratch` is removed at once. Raises `HarnessError`."""

    def stop(self, recording: Recording | None, ended_ns: int | None, trouble: str | None) -> ExitCode:
        """Write all results after the last user has ended, and return the exit code of the run. Raises `HarnessError`."""


def head_of(hosted: HostedTarget, runs: Runs) -> Head:
    """Return the facts of the run that the process with the target knows from the beginning."""
    return Head(operations=hosted.mix, environment={**facts_of.collect(), "backends": runs.backends})


class OpenRun:
    """The run directory of the running test. Raises `HarnessError` if it cannot be made."""

    document: RunDocument

    def __init__(self, runs: Runs, environment: Any) -> None:
        self._runs = runs
        self._environment = environment
        self._head: Head | None = None
        self._workers = 1
        self._users = 1
        self._was_reset = bool(environment.reset_stats)
        self.notes: list[str] = []
        self.trouble: list[str] = []
        self.directory = RunDirectory.create(runs.out, runs.name, runs.variant)
        environment.events.reset_stats.add_listener(self._on_reset)
        environment.events.spawning_complete.add_listener(self._on_spawned)

    def _on_reset(self, **_: Any) -> None:
        self._was_reset = True

    def _on_spawned(self, user_count: int, **_: Any) -> None:
        self._users = max(self._users, user_count)

    @property
    def is_new(self) -> bool:
        """Return True if nothing is known about the run yet."""
        return self._head is None

    def update(self, head: Head, so_far_s: float, workers: int) -> None:
        """Write the known part of `run.json`, so that the directory of a killed test still describes it.

        Its duration is then Locust's run time, or longer than the test can have lasted, but never shorter.
        """
        is_new, self._head, self._workers = self.is_new, head, workers
        options = self._environment.parsed_options
        plan = self._plan(max(so_far_s + _AHEAD_S, (options and options.run_time) or 0.0))
        if is_new:
            self.document = self._runs.document(plan, head)
            LOG.info("harness: This test is recorded in %s", self.directory.path)
        self._write(plan, head)

    def lasted(self, so_far_s: float) -> None:
        """Write how long the test has lasted by now, if the run is known."""
        if self._head:
            self.update(self._head, so_far_s, self._workers)

    def ended(self, head: Head, duration_s: float, workers: int) -> LoadPlan:
        """Write the duration of the test, and return the plan that it carried out."""
        if self.is_new:
            self.update(head, duration_s, workers)
        self._workers = workers
        plan = self._plan(duration_s)
        self._write(plan, head)
        return plan

    def _write(self, plan: LoadPlan, head: Head) -> None:
        self.document.plan = plan.facts(head.operations)
        self.directory.write(self.document)

    def _plan(self, duration_s: float) -> LoadPlan:
        self._users = max(self._users, self._environment.runner.user_count)
        return self._runs.plan(max(round(duration_s, 3), _LEAST_S), self._users, self._workers)

    def finish(self) -> ExitCode:
        """Write the end of the run and Locust's own counts, and return the exit code of the process."""
        self._forget()
        document, stats = self.document, self._environment.stats
        entries = {name: stats.entries.get((name, REQUEST_TYPE)) for name in document.plan.operations}
        document.locust = LocustFacts(
            counted={name: entry.num_requests if entry else 0 for name, entry in entries.items()},
            was_reset=self._was_reset,
            notes=self.notes,
        )
        document.trouble = self.trouble
        document.status = "finished"
        self.directory.write(document)
        return self._runs.finished(self.directory, document, stats)

    def discard(self) -> ExitCode:
        """Remove the directory, because nothing was recorded, and return the exit code for an invalid run."""
        self._forget()
        self.directory.discard()
        LOG.warning("harness: No call was recorded in this test, so its run directory is removed")
        return ExitCode.INVALID

    def _forget(self) -> None:
        events = self._environment.events
        events.reset_stats.remove_listener(self._on_reset)
        events.spawning_complete.remove_listener(self._on_spawned)
