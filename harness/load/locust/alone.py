"""Record a test of plain Locust in the one process that carries it out, into the run directory."""

import locust  # noqa: F401  # isort: skip
from pathlib import Path
from typing import Any

import gevent

from harness.clock import NS_PER_S
from harness.errors import ExitCode
from harness.load.locust.part import AnyRecording, Make, OpenRun, Runs, environment_of
from harness.processes.withdraw_split import withdraw_split
from harness.processes.worker_reports import Head
from harness.profiles.capture.wait import WAITS
from harness.run.directory import RunDirectory, write_atomically
from harness.table import calls

_SOON_S = 0.2


class Alone:
    """The part of a process that carries out the whole run."""

    def __init__(self, runs: Runs, environment: Any) -> None:
        self._runs = runs
        self._environment = environment
        self._open: OpenRun | None = None
        self._recording: AnyRecording | None = None
        self._own: dict[str, Any] = {}
        self._told: list[str] = []
        environment.events.usage_monitor.add_listener(self._on_usage)

    def start(self) -> None:
        """Make the run directory. Raises `HarnessError` if that fails."""
        self._open = OpenRun(self._runs, self._environment)

    def begin(self, make: Make, scratch: Path) -> AnyRecording:  # noqa: ARG002 - see `Part`
        """Record into the run directory."""
        open_run = self._open
        assert open_run is not None  # noqa: S101 - Locust starts a test before its users
        # Slow steps come before time zero.
        self._own = environment_of(self._runs)
        self._recording = make(open_run.directory.timing, 0)
        self._write_so_far()
        gevent.spawn(self._follow, self._recording)
        return self._recording

    def _follow(self, recording: AnyRecording) -> None:
        """Write the operations soon after the table has calls of them: else it could not be read if the process were killed."""
        while self._recording is recording:
            if list(recording.operations) != self._told:
                self._write_so_far()
            gevent.sleep(_SOON_S)

    def ramped(self) -> None:
        """Write where time zero is now."""
        self._write_so_far()

    def _on_usage(self, **_: Any) -> None:
        self._write_so_far()

    def _write_so_far(self) -> None:
        open_run, recording = self._open, self._recording
        if open_run and recording:
            self._told = list(recording.operations)
            open_run.directory.write_facts(recording.facts)
            head, zero_s = self._head(recording), recording.facts.origin_unix_s
            open_run.update(head, zero_s, recording.elapsed_ns / NS_PER_S, 1)

    def _head(self, recording: AnyRecording) -> Head:
        return Head(operations=recording.operations, environment=self._own)

    def stop(self, recording: AnyRecording | None, ended_ns: int | None, trouble: str | None) -> ExitCode:
        """Finish the run directory, or remove it if no call was made."""
        open_run, self._open, self._recording = self._open, None, None
        if open_run is None:
            return ExitCode.OK
        if recording is None or ended_ns is None or not recording.recorder.tail[0]:
            return open_run.discard()
        facts, host = recording.end(ended_ns, trouble)
        if waits := recording.waits:
            write_atomically(open_run.directory.timing / WAITS, waits)
        recording.close()
        calls.seal(open_run.directory.calls_path)
        if facts.split_taken:
            withdraw_split(open_run.directory.timing, RunDirectory.CALLS)
        open_run.directory.write_facts(facts)
        open_run.ended(self._head(recording), facts.origin_unix_s, ended_ns / NS_PER_S, 1)
        open_run.document.host = host
        return open_run.finish(recording.names)
