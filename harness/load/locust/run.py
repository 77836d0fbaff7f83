"""Record the runs of plain Locust in this process, driven by Locust's own events.

One process alone records into the run directory. A worker records for itself, and its reports to the master carry what is
new; the master gathers it (`harness.load.locust.distributed`). Each test that is started makes a run directory of its own.
"""

# Locust monkey-patches on import.
from locust import runners  # isort: skip
import contextlib
import dataclasses
import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event
from gevent.hub import get_hub
from gevent.lock import RLock

from harness.errors import ExitCode, HarnessError, worst
from harness.load.locust.alone import Alone
from harness.load.locust.distributed import Master, Worker
from harness.load.locust.event_recording import EventRecording, own_cost
from harness.load.locust.log import LOG
from harness.load.locust.part import AnyRecording, Part, Present, Runs
from harness.load.locust.patches import install
from harness.load.locust.recording import Called, HostedTarget, Recording
from harness.load.locust.user import make_user
from harness.run.directory import RunDirectory
from harness.run.documents import RunDocument
from harness.supervise import private_folder

if TYPE_CHECKING:
    from harness.run.facts import LoadFacts

# Longest time for the end of a test: the last reports of workers, with all their calls.
_END_S = 120.0


class LocustProcess:
    """This process of Locust: alone, a master or a worker."""

    def __init__(self, runs: Runs, present: Present) -> None:
        self._runs = dataclasses.replace(runs, finished=self._finish)
        self._finished, self._present = runs.finished, present
        self._written: list[RunDirectory] = []
        self._environment: Any = None
        self._part: Part
        self._hosted: HostedTarget | None = None
        self._cost: LoadFacts | None = None
        self._recording: AnyRecording | None = None
        self._is_ramped = False
        self._ended_ns: int | None = None
        self._lock = RLock()
        self._trouble: HarnessError | None = None
        self._found = ExitCode.OK
        self._is_over = Event()
        self._is_over.set()
        self._is_ending = False
        install()

    def user_of(self, called: Called) -> type[Any]:
        """Return the class of users that call the target."""
        return make_user(self._hosted_recording, self.refuse, called.think_time_s, self._ends)

    def attach(self, events: Any) -> None:
        """Take part in every test from now on."""
        events.init.add_listener(self.join)

    def _hosted_recording(self) -> Recording:
        """Return the recording of the running test. Raises `HarnessError` if it could not begin."""
        if self._trouble:
            raise self._trouble
        assert isinstance(self._recording, Recording)  # noqa: S101 - a test begins before its users
        return self._recording

    def _begin(self) -> AnyRecording:
        make = self._record_events if self._runs.called is None else self._record_target
        with private_folder() as scratch:
            return self._part.begin(make, scratch)

    def _record_target(self, folder: Path, worker: int) -> Recording:
        hosted = self._host()
        for helper in self._environment.runner.greenlet:
            hosted.own(helper)
        return Recording(hosted, folder, worker, self._environment.events.request)

    def _record_events(self, folder: Path, _worker: int) -> EventRecording:
        assert self._cost is not None  # noqa: S101 - measured when this process joined
        return EventRecording(
            self._cost, folder, self._environment.events.request, is_in_process=self._runs.is_in_process
        )

    def _host(self) -> HostedTarget:
        """Make and open the target, once."""
        assert self._runs.called is not None  # noqa: S101 - asked only where users call one
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

    def join(self, environment: Any, runner: Any, web_ui: Any = None, **_: Any) -> None:
        """Take part in every test of this environment from now on: a listener of `init`."""
        self._environment = environment
        # Locust calls these listeners in reverse order, so the file has set its exit code by then.
        environment.events.quitting._handlers.insert(0, self._say_exit_code)  # noqa: SLF001 - no other way to be last
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
        # Before the file's own listeners, which may make requests already.
        events.test_start._handlers.insert(0, self._on_test_start)  # noqa: SLF001 - no other way to be first
        events.spawning_complete.add_listener(self._on_spawned)
        events.reset_stats.add_listener(self._on_reset)
        events.test_stopping.add_listener(self._on_test_stopping)
        events.test_stop.add_listener(self._on_test_stop)
        events.quitting.add_listener(self._end_test)
        events.quit.add_listener(self._on_quit)
        self._has_users = not is_master
        if is_master:
            return
        if self._runs.called is None:
            # Locust inspects its stack when it stops: the first time reads sources and blocks the loop for up to 0.1 s.
            inspect.stack()
            self._cost = own_cost()
        else:
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
        self._is_ramped = False
        self._is_over.clear()
        try:
            self._part.start()
            if self._has_users:
                self._recording = self._begin()
                self._recording.refuse_by(self.refuse)
        except HarnessError as error:
            self.refuse(error)

    def _on_test_stopping(self, **_: Any) -> None:
        # Before Locust ends the users: the time for that is not measured.
        if self._recording:
            self._ended_ns = self._recording.elapsed_ns
            self._recording.stop()

    def _on_spawned(self, **_: Any) -> None:
        if not self._is_ramped:
            self._is_ramped = True
            self._measure_from_now()

    def _on_reset(self, **_: Any) -> None:
        self._measure_from_now()

    def _measure_from_now(self) -> None:
        if self._recording and self._ended_ns is None:
            self._recording.measure_from_now()
            self._part.ramped()

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
        self._found = _graver(self._found, found)
        self._is_over.set()

    def _end_test(self, environment: Any, **_: Any) -> None:
        """End a test that still runs before Locust settles its exit code; Locust itself ends it a moment later."""
        if self._is_ending:
            self._is_over.wait(_END_S)
        elif isinstance(environment.runner, runners.LocalRunner) and not self._is_over.is_set():
            environment.runner.stop()

    def _finish(self, directory: RunDirectory, document: RunDocument, environment: Any) -> ExitCode:
        code = self._finished(directory, document, environment)
        self._written.append(directory)
        return code

    def _say_exit_code(self, environment: Any, **_: Any) -> None:
        """Set the exit code to that of the runs, unless the file has set its own. A worker does not judge.

        A file that sets 0 has found no fault itself: that does not hide a fault of the run.
        """
        if isinstance(environment.runner, runners.WorkerRunner) or environment.process_exit_code:
            return
        found = self._found if self._is_over.is_set() else _graver(self._found, ExitCode.INVALID)
        if found:
            environment.process_exit_code = int(found)

    def _on_quit(self, **_: Any) -> None:
        if self._hosted:
            with contextlib.suppress(HarnessError):
                self._hosted.close()
        options = self._environment.parsed_options
        for directory in self._written:
            self._present(
                directory,
                beside_json=bool(getattr(options, "json", False)),
                has_page=not getattr(options, "no_report", False),
            )
        self._written.clear()


def _graver(one: ExitCode, other: ExitCode) -> ExitCode:
    """Return the exit code of two runs together: an invalid run says nothing of limits, so it comes before a broken one."""
    if {one, other} == {ExitCode.INVALID, ExitCode.LIMIT_BROKEN}:
        return ExitCode.INVALID
    return worst((one, other))
