"""Define the common base of the parts of a plain Locust run: what it measures, and the directory of the running test."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from harness import environment as facts_of
from harness.errors import ExitCode, HarnessError
from harness.load.locust.log import LOG
from harness.load.locust.names import Names
from harness.load.locust.recording import Called
from harness.load.locust.scenes import Scenes
from harness.load.locust.steps import Carried
from harness.processes.loadrun import LoadPlan
from harness.processes.worker_reports import Head
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts, LocustFacts, RunDocument
from harness.run.facts import LoadFacts
from harness.table.recorder import Recorder

# A multiple of the interval at which Locust checks its CPU usage.
_AHEAD_S = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Runs:
    """The subject of a locustfile's runs, and the folder for them."""

    called: Called | None
    """The target that users call in this process; None if the locustfile has users of its own alone."""
    name: str
    variant: str
    backends: str
    out: Path
    plan: Callable[[Carried], LoadPlan]
    """Function from the load that Locust put on to the plan that it carried out."""
    document: Callable[[LoadPlan, Head, Any], RunDocument]
    """Function from the plan, the facts of the process and Locust's environment to a new document."""
    finished: Callable[[RunDirectory, RunDocument, Any], ExitCode]
    """Function called for each written run, with Locust's environment; it returns the exit code of the process."""
    file: str = ""
    """Name of the locustfile; empty if the users are the harness's own."""
    is_in_process: bool = False
    """True if the users call an application of this process."""


class AnyRecording(Protocol):
    """The recording of one test in this process, whatever makes its calls."""

    recorder: Recorder
    facts: LoadFacts

    @property
    def operations(self) -> dict[str, float]:
        """Return the operations so far, in the order of their numbers in the table."""

    @property
    def names(self) -> Names:
        """Return the names of the operations."""

    @property
    def elapsed_ns(self) -> int:
        """Return the time since time zero, in ns."""

    @property
    def held_by(self) -> bytes:
        """Return what blocked the event loop, in the format of the file; empty if it is not known."""

    @property
    def waits(self) -> bytes:
        """Return the stacks on which calls waited, in the format of the file; empty if they are not known."""

    @property
    def samples(self) -> bytes:
        """Return the samples of this process that were not returned before, in the format of the file."""

    def measure_from_now(self) -> None:
        """Move time zero to now: all calls until now become the ramp-up."""

    def refuse_by(self, refuse: Callable[[HarnessError], None]) -> None:
        """Call `refuse` if a request cannot be recorded."""

    def stop(self) -> None:
        """Note that Locust ends the test."""

    def end(self, ended_ns: int, stopped: str | None) -> tuple[LoadFacts, HostFacts]:
        """Return the facts of the whole test after the last call; `ended_ns` is the end of its time."""

    def close(self) -> None:
        """Close everything; the table is then ready for `harness.table.calls.seal`."""


class Present(Protocol):
    """A function that reports a finished run to people, at the end of the process."""

    def __call__(self, directory: RunDirectory, *, beside_json: bool, has_page: bool) -> None:
        """Print the run, to stderr if `beside_json`: Locust prints JSON to stdout then. Write its page if `has_page`."""


Make = Callable[[Path, int], AnyRecording]
"""Function that begins a recording in a folder, in the process of this number. Raises `HarnessError`."""


class Part(Protocol):
    """The part of one process in a test."""

    def start(self) -> None:
        """Prepare for a test that starts. Raises `HarnessError`."""

    def begin(self, make: Make, scratch: Path) -> AnyRecording:
        """Begin to record. `scratch` is removed at once. Raises `HarnessError`."""

    def ramped(self) -> None:
        """Note that time zero has moved: all users are started now."""

    def stop(self, recording: AnyRecording | None, ended_ns: int | None, trouble: str | None) -> ExitCode:
        """Write all results after the last user has ended, and return the exit code of the run. Raises `HarnessError`."""


def environment_of(runs: Runs) -> dict[str, Any]:
    """Return the environment of this process in the form of a run's document."""
    return {**facts_of.collect(), "backends": runs.backends}


class OpenRun:
    """The run directory of the running test. Raises `HarnessError` if it cannot be made."""

    document: RunDocument

    def __init__(self, runs: Runs, environment: Any) -> None:
        self._runs = runs
        self._environment = environment
        self._head: Head | None = None
        self._was_reset = bool(environment.reset_stats)
        self.notes: list[str] = []
        self.trouble: list[str] = []
        self.directory = RunDirectory.create(runs.out, runs.name, runs.variant)
        self.scenes = Scenes(environment)
        environment.events.reset_stats.add_listener(self._on_reset)

    def _on_reset(self, **_: Any) -> None:
        self._was_reset = True

    @property
    def is_new(self) -> bool:
        """Return True if nothing is known about the run yet."""
        return self._head is None

    def update(self, head: Head, zero_unix_s: float | None, so_far_s: float, workers: int) -> None:
        """Write the known part of `run.json`, so that the directory of a killed test still describes it.

        Its duration is then Locust's run time, or longer than the test can have lasted, but never shorter.
        """
        options = self._environment.parsed_options
        duration_s = max(so_far_s + _AHEAD_S, (options and options.run_time) or 0.0)
        self._write(self._runs.plan(self.scenes.carried(zero_unix_s, duration_s, workers)), head)

    def ended(self, head: Head, zero_unix_s: float | None, duration_s: float, workers: int) -> LoadPlan:
        """Write the load of the whole test, and return the plan that it carried out."""
        self.scenes.close()
        plan = self._runs.plan(self.scenes.carried(zero_unix_s, duration_s, workers))
        self._write(plan, head)
        self.document.locust = LocustFacts(
            file=self._runs.file,
            is_in_process=self._runs.is_in_process,
            users=self.scenes.alive(zero_unix_s),
            is_ramped=self.scenes.is_ramped,
            was_reset=self._was_reset,
        )
        return plan

    def _write(self, plan: LoadPlan, head: Head) -> None:
        if self.is_new:
            self.document = self._runs.document(plan, head, self._environment)
            LOG.info("harness: This test is recorded in %s", self.directory.path)
        self._head = head
        self.document.plan = plan.facts(head.operations)
        self.directory.write(self.document)

    def finish(self, names: Names) -> ExitCode:
        """Write the end of the run and Locust's own counts, and return the exit code of the process."""
        self._forget()
        document = self.document
        assert document.locust is not None  # noqa: S101 - set when the test ended
        document.locust.counted = self._counted(names)
        document.locust.notes = self.notes
        document.trouble = self.trouble
        document.status = "finished"
        self.directory.write(document)
        return self._runs.finished(self.directory, document, self._environment)

    def _counted(self, names: Names) -> dict[str, int]:
        """Return Locust's own number of requests by operation; of a hosted target's users, the name alone is the operation."""
        counted = dict.fromkeys(self.document.plan.operations, 0)
        for (name, request_type), entry in self._environment.stats.entries.items():
            mine = name if self._runs.called and name in counted else names.counted_as(request_type, name)
            counted[mine] = counted.get(mine, 0) + entry.num_requests
        return counted

    def discard(self, why: str = "") -> ExitCode:
        """Remove the directory, because nothing was recorded, and return the exit code for an invalid run; `why` ends the message."""
        self.scenes.close()
        self._forget()
        self.directory.discard()
        LOG.warning("harness: No call was recorded in this test, so its run directory is removed%s", why)
        return ExitCode.INVALID

    def _forget(self) -> None:
        self._environment.events.reset_stats.remove_listener(self._on_reset)
