"""What the parts of a plain Locust run have in common: what the runs are of, and the directory of the running one."""

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
# Some times what passes from one time that Locust looks at its processor to the next.
_AHEAD_S = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Runs:
    """What the runs of a locustfile are of, and where they go."""

    called: Called
    name: str
    variant: str
    backends: str
    out: Path
    plan: Callable[[float, int, int], LoadPlan]
    """(duration_s, users, workers) to what Locust made of them."""
    document: Callable[[LoadPlan, Head], RunDocument]
    finished: Callable[[RunDirectory, RunDocument, Any], ExitCode]
    """Told of each run that is written, with Locust's statistics; it returns what the process should say of it."""


class Part(Protocol):
    """What one process does in a test."""

    def start(self) -> None:
        """Get ready: a test starts. Raises `HarnessError`."""

    def begin(self, hosted: HostedTarget, scratch: Path) -> Recording:
        """Begin to record: the first user is there. `scratch` is removed at once. Raises `HarnessError`."""

    def stop(self, recording: Recording | None, ended_ns: int | None, trouble: str | None) -> ExitCode:
        """Put everything where it belongs, and return what the run came to: all users have ended. Raises `HarnessError`."""


def head_of(hosted: HostedTarget, runs: Runs) -> Head:
    """Return what the process that hosts the target knows of the run from the beginning."""
    return Head(operations=hosted.mix, environment={**facts_of.collect(), "backends": runs.backends})


class OpenRun:
    """The run directory of the running test. Raises `HarnessError` where it cannot be made."""

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
        """Whether nothing is known of the run yet."""
        return self._head is None

    def update(self, head: Head, so_far_s: float, workers: int) -> None:
        """Write `run.json` as far as it is known: killed at any moment, the directory says what it was meant to be.

        Its duration is then what Locust was told, or longer than the test can have lasted: never shorter.
        """
        is_new, self._head, self._workers = self.is_new, head, workers
        options = self._environment.parsed_options
        plan = self._plan(max(so_far_s + _AHEAD_S, (options and options.run_time) or 0.0))
        if is_new:
            self.document = self._runs.document(plan, head)
            LOG.info("harness: This test is recorded in %s", self.directory.path)
        self._write(plan, head)

    def lasted(self, so_far_s: float) -> None:
        """Write how long the test has lasted by now, if anything is known of it."""
        if self._head:
            self.update(self._head, so_far_s, self._workers)

    def ended(self, head: Head, duration_s: float, workers: int) -> LoadPlan:
        """Write how long the test was, and return what it has been."""
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
        """Write what became of the run and of Locust's own count, and return what the process should say of it."""
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
        """Remove the directory: nothing was recorded, which is no valid run."""
        self._forget()
        self.directory.discard()
        LOG.warning("harness: No call was recorded in this test, and no run directory is kept")
        return ExitCode.INVALID

    def _forget(self) -> None:
        events = self._environment.events
        events.reset_stats.remove_listener(self._on_reset)
        events.spawning_complete.remove_listener(self._on_spawned)
