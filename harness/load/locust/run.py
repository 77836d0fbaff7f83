"""Record the runs of plain Locust in this process, driven by Locust's own events.

One process alone records into the run directory. A worker records for itself, and its reports to the master carry what is
new; the master gathers it (`harness.load.locust.distributed`). Each test that is started makes a run directory of its own.
"""

# Locust monkey-patches on import.
from locust import log, runners  # isort: skip
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.hub import get_hub
from gevent.lock import RLock

from harness.clock import NS_PER_S
from harness.errors import ExitCode, HarnessError, worst
from harness.load.locust.distributed import Master, Worker
from harness.load.locust.log import LOG
from harness.load.locust.part import OpenRun, Part, Runs, head_of
from harness.load.locust.recording import HostedTarget, Recording
from harness.load.locust.user import make_user
from harness.processes.withdraw_split import withdraw_split
from harness.processes.worker_reports import Head
from harness.profiles.capture.wait import WAITS
from harness.run.directory import RunDirectory, write_atomically
from harness.supervise import private_folder
from harness.table import calls

# Longest time for the end of a test: the last reports of workers, with all their calls.
_END_S = 120.0


class LocustProcess:
    """This process of Locust: alone, a master or a worker; `user` is the class that it spawns."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._environment: Any = None
        self._part: Part
        self._hosted: HostedTarget | None = None
        self._recording: Recording | None = None
        self._ended_ns: int | None = None
        self._lock = RLock()
        self._trouble: HarnessError | None = None
        self._found = ExitCode.OK
        self._is_over = Event()
        self._is_over.set()
        self._is_ending = False
        self.user = make_user(self.recording, self.refuse, runs.called.think_time_s, self._ends)

    def attach(self, events: Any) -> None:
        """Take part in every test from now on."""
        events.init.add_listener(self._on_init)
        # Locust calls these listeners in reverse order, so other files have set their exit code by then.
        events.quitting.add_listener(self._say_exit_code)

    def recording(self) -> Recording:
        """Return the recording of the running test; the first user's request begins it. Raises `HarnessError` if that fails."""
        if self._recording is None:
            with self._lock:
                if self._trouble:
                    raise self._trouble
                if self._recording is None:
                    self._recording = self._begin()
        return self._recording

    def _begin(self) -> Recording:
        hosted = self._host()
        for helper in self._environment.runner.greenlet:
            hosted.own(helper)
        with private_folder() as scratch:
            return self._part.begin(hosted, scratch)

    def _host(self) -> HostedTarget:
        """Make and open the target, once. A user of a worker may ask for it while it is being made."""
        with self._lock:
            if self._hosted is None:
                with private_folder() as scratch:
                    self._hosted = HostedTarget(self._runs.called, scratch)
            return self._hosted

    def refuse(self, error: HarnessError) -> None:
        """Log once why the test cannot continue, and end it in Locust's own way."""
        if self._trouble:
            return
        self._trouble = error
        LOG.error("harness: %s", error)
        environment = self._environment
        environment.process_exit_code = int(error.exit_code)
        # In a new greenlet, since this may end the calling one. A process with a web UI continues.
        gevent.spawn(environment.runner.stop if environment.web_ui else environment.runner.quit)

    def _ends(self, user: Any) -> None:
        if self._hosted:
            self._hosted.vetting.ending.add(user)

    def _on_init(self, environment: Any, runner: Any, web_ui: Any = None, **_: Any) -> None:
        self._environment = environment
        is_worker, is_master = (
            isinstance(runner, runners.WorkerRunner),
            isinstance(runner, runners.MasterRunner),
        )
        if not is_worker:
            self._check_out()
        if is_worker:
            self._part = Worker(self._runs, environment)
        elif is_master:
            self._part = Master(self._runs, environment, self.refuse)
        else:
            self._part = Alone(self._runs, environment)
        if web_ui:
            web_ui.app.before_request(self._own_request)
        events = environment.events
        events.test_start.add_listener(self._on_test_start)
        events.test_stopping.add_listener(self._on_test_stopping)
        events.test_stop.add_listener(self._on_test_stop)
        events.quitting.add_listener(self._end_test)
        events.quit.add_listener(self._on_quit)
        if not is_master:
            self._host_or_exit()

    def _host_or_exit(self) -> None:
        """Open the target before users start, so that no test waits for it; Locust ends if that fails."""
        try:
            self._host()
        except HarnessError as error:
            LOG.error("harness: %s", error)
            # As at Locust's own shutdown, so that the master is informed.
            self._environment.events.quitting.fire(environment=self._environment, reverse=True)
            sys.exit(int(error.exit_code))
        # Locust's timers use the loop's clock, which stood still meanwhile.
        get_hub().loop.update_now()

    def _check_out(self) -> None:
        """End Locust before it begins if runs cannot be written."""
        out = self._runs.out
        try:
            out.mkdir(parents=True, exist_ok=True)
            why = None if os.access(out, os.W_OK) else "Permission denied"
        except OSError as error:
            why = error.strerror
        if why:
            LOG.error(
                "harness: Runs cannot be written to %s: %s. Name a writable folder in HARNESS_OUT", out, why
            )
            sys.exit(int(HarnessError.exit_code))

    def _own_request(self) -> None:
        """Count the work of the web UI as the driver's, not as background work of the target."""
        if self._hosted:
            self._hosted.own(gevent.getcurrent())

    def _on_test_start(self, **_: Any) -> None:
        self._trouble = self._ended_ns = None
        self._is_over.clear()
        try:
            self._part.start()
        except HarnessError as error:
            self.refuse(error)

    def _on_test_stopping(self, **_: Any) -> None:
        # Before Locust ends the users: the time for that is not measured.
        if self._recording:
            self._ended_ns = self._recording.elapsed_ns

    def _on_test_stop(self, **_: Any) -> None:
        recording, self._recording = self._recording, None
        self._is_ending = True
        try:
            found = self._part.stop(recording, self._ended_ns, str(self._trouble) if self._trouble else None)
        except HarnessError as error:
            found = error.exit_code
            LOG.error("harness: %s", error)
        finally:
            self._is_ending = False
            if recording:
                recording.close()
        self._found = worst((self._found, found))
        self._is_over.set()

    def _end_test(self, environment: Any, **_: Any) -> None:
        """End a test that still runs before Locust settles its exit code; Locust itself ends it a moment later."""
        if self._is_ending:
            self._is_over.wait(_END_S)
        elif isinstance(environment.runner, runners.LocalRunner) and not self._is_over.is_set():
            environment.runner.stop()

    def _say_exit_code(self, environment: Any, **_: Any) -> None:
        """Set the exit code to that of the run if Locust itself would exit with 0. A worker does not judge."""
        if isinstance(environment.runner, runners.WorkerRunner) or _locusts_own_code(environment):
            return
        found = self._found if self._is_over.is_set() else worst((self._found, ExitCode.INVALID))
        if found:
            environment.process_exit_code = int(found)

    def _on_quit(self, **_: Any) -> None:
        if self._hosted:
            with contextlib.suppress(HarnessError):
                self._hosted.close()


def _locusts_own_code(environment: Any) -> int:
    """Return the exit code of Locust itself."""
    runner = environment.runner
    if environment.process_exit_code is not None:
        return int(environment.process_exit_code)
    if runner is not None and (len(runner.errors) or len(runner.exceptions)):
        return int(environment.parsed_options.exit_code_on_error)
    return 2 if log.unhandled_greenlet_exception else 0


class Alone:
    """The part of a process that carries out the whole run."""

    _head: Head

    def __init__(self, runs: Runs, environment: Any) -> None:
        self._runs = runs
        self._environment = environment
        self._open: OpenRun | None = None
        self._recording: Recording | None = None
        environment.events.usage_monitor.add_listener(self._on_usage)

    def start(self) -> None:
        """Make the run directory. Raises `HarnessError` if that fails."""
        self._open = OpenRun(self._runs, self._environment)

    def begin(self, hosted: HostedTarget, scratch: Path) -> Recording:  # noqa: ARG002 - see `Part`
        """Record into the run directory."""
        open_run = self._open
        assert open_run is not None  # noqa: S101 - Locust starts a test before its users
        # Slow steps come before time zero.
        self._head = head_of(hosted, self._runs)
        open_run.update(self._head, 0.0, 1)
        self._recording = Recording(hosted, open_run.directory.timing, 0)
        open_run.directory.write_facts(self._recording.facts)
        return self._recording

    def _on_usage(self, **_: Any) -> None:
        if self._open and self._recording:
            self._open.lasted(self._recording.elapsed_ns / NS_PER_S)

    def stop(self, recording: Recording | None, ended_ns: int | None, trouble: str | None) -> ExitCode:
        """Finish the run directory, or remove it if no call was made."""
        open_run, self._open, self._recording = self._open, None, None
        if open_run is None:
            return ExitCode.OK
        if recording is None or ended_ns is None:
            return open_run.discard()
        facts, host = recording.end(ended_ns, trouble)
        if waits := recording.waits:
            write_atomically(open_run.directory.timing / WAITS, waits)
        recording.close()
        calls.seal(open_run.directory.calls_path)
        if facts.split_taken:
            withdraw_split(open_run.directory.timing, RunDirectory.CALLS)
        open_run.directory.write_facts(facts)
        open_run.ended(self._head, ended_ns / NS_PER_S, 1)
        open_run.document.host = host
        return open_run.finish()
