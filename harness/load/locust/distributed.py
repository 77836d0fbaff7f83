"""Record tests of plain Locust with a master and workers: calls travel in the worker reports that Locust sends anyway.

When a test ends, the master asks workers that still run to stop, and waits for the last report of each. Of a lost worker,
the reported calls are kept.
"""

# Locust monkey-patches on import.
from locust import runners  # isort: skip
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust.exception import RPCError

from harness.clock import SystemClock, wall_ns, wall_s
from harness.errors import ExitCode, HarnessError
from harness.load.locust.log import LOG
from harness.load.locust.names import Names
from harness.load.locust.part import AnyRecording, Make, OpenRun, Runs, environment_of
from harness.processes.clock_exchange import WINDOW_NS, ClockExchange, WorkerClock
from harness.processes.merge_reports import WorkerReports
from harness.processes.worker_reports import Head, Outgoing, Report

REPORT_KEY = "harness"
_STOP = "harness-stop"
_CLOCK = "harness-clock"
_ASK_EVERY_S = 1.0
# A master that does not record knows no such question, and logs each.
_MOST_UNANSWERED = 2
# Time beyond the stop timeout of users; and time for the last report of a worker that has quit.
_LAST_WORDS_S = 10.0
_GONE_S = 2.0
_MOMENT_S = 0.02


class Worker:
    """The part of a process that records for the master."""

    def __init__(self, runs: Runs, environment: Any) -> None:
        self._runs = runs
        self._environment = environment
        self._recording: AnyRecording | None = None
        self._outgoing: Outgoing | None = None
        self._own: dict[str, Any] = {}
        self._is_ramped = False
        self._last: Report | None = None
        environment.events.report_to_master.add_listener(self._on_report)
        environment.runner.register_message(_STOP, self._on_stop)
        environment.runner.register_message(_CLOCK, self._on_clock)
        self._clocks = ClockExchange()
        self._unanswered = 0
        gevent.spawn(self._ask)

    def _ask(self) -> None:
        """Ask the master for its time, again and again."""
        while self._unanswered < _MOST_UNANSWERED:
            self._unanswered += 1
            with contextlib.suppress(RPCError):
                self._environment.runner.send_message(_CLOCK, {"asked_ns": SystemClock.now_ns()})
            gevent.sleep(_ASK_EVERY_S)

    def _on_clock(self, msg: Any, **_: Any) -> None:
        self._unanswered = 0
        self._clocks.answered(int(msg.data["asked_ns"]), SystemClock.now_ns(), int(msg.data["unix_ns"]))

    def _clock(self) -> WorkerClock:
        """Return what is known of the clock in this test, and shortly before it."""
        return self._clocks.clock(self._recording.facts.origin_ns - WINDOW_NS if self._recording else 0)

    def start(self) -> None:
        """Do nothing: the first user begins the recording."""

    def begin(self, make: Make, scratch: Path) -> AnyRecording:
        """Record into unnamed files: only the master's copy is kept."""
        self._own, self._is_ramped = environment_of(self._runs), False
        recording = make(scratch, max(self._environment.runner.worker_index, 0))
        self._outgoing, self._recording = Outgoing(recording.recorder), recording
        return recording

    def ramped(self) -> None:
        """Send all rows once more, with the times that they have now."""
        self._is_ramped = True
        if self._outgoing:
            self._outgoing.again()

    def _head(self, recording: AnyRecording) -> Head:
        return Head(operations=recording.operations, environment=self._own, is_ramped=self._is_ramped)

    def stop(self, recording: AnyRecording | None, ended_ns: int | None, trouble: str | None) -> ExitCode:
        """Send the last report at once, before Locust reports that this worker has stopped."""
        now_s = wall_s()
        last = Report(sent_unix_s=now_s, is_last=True, trouble=trouble, clock=self._clock())
        if recording and self._outgoing and ended_ns is not None:
            facts, host = recording.end(ended_ns, trouble)
            last = msgspec.structs.replace(
                last, head=self._head(recording), facts=facts, end=self._outgoing.end(host, recording.held_by, recording.waits),
                samples=recording.samples, **self._outgoing.take(),
            )  # fmt: skip
        self._recording, self._last = None, last
        runner, data = self._environment.runner, dict[str, Any]()
        self._environment.events.report_to_master.fire(client_id=runner.client_id, data=data)
        self._last = None
        runner.send_message("stats", data)
        return ExitCode.OK

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        report = self._last
        if report is None and self._recording and self._outgoing:
            report = Report(
                sent_unix_s=wall_s(),
                head=self._head(self._recording),
                facts=self._recording.facts,
                clock=self._clock(),
                samples=self._recording.samples,
                **self._outgoing.take(),
            )
        if report:
            data[REPORT_KEY] = report.pack()

    def _on_stop(self, environment: Any, **_: Any) -> None:
        environment.runner.stop()


class Master:
    """The part of the process that gathers the workers' recordings."""

    def __init__(self, runs: Runs, environment: Any, refuse: Callable[[HarnessError], None]) -> None:
        self._runs = runs
        self._environment = environment
        self._refuse = refuse
        self._open: OpenRun | None = None
        self._reports: WorkerReports | None = None
        self._expected: set[str] = set()
        self._written: list[str] = []
        self._merged: set[tuple[str, int]] = set()
        runner = environment.runner
        self._listener = next(one for one in runner.greenlet if one._run == runner.client_listener)  # noqa: SLF001 - else nameless
        environment.events.worker_report.add_listener(self._on_report)
        environment.events.usage_monitor.add_listener(self._on_usage)
        runner.register_message(_CLOCK, self._on_clock)

    def _on_clock(self, msg: Any, **_: Any) -> None:
        with contextlib.suppress(RPCError):
            self._environment.runner.send_message(_CLOCK, {**msg.data, "unix_ns": wall_ns()}, msg.node_id)

    def start(self) -> None:
        """Make the run directory. Raises `HarnessError` if that fails."""
        self._open = OpenRun(self._runs, self._environment)
        self._reports = WorkerReports(self._open.directory.timing)
        self._expected = self._working(runners.STATE_INIT)
        self._written = []

    def begin(self, make: Make, scratch: Path) -> AnyRecording:
        """Raise: a master spawns no users, so this is never called."""
        raise NotImplementedError

    def ramped(self) -> None:
        """Do nothing: the workers know it too."""

    def _working(self, *states: str) -> set[str]:
        states = (*states, runners.STATE_SPAWNING, runners.STATE_RUNNING)
        return {client.id for client in self._environment.runner.clients.all if client.state in states}

    def _on_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        packed, reports = data.pop(REPORT_KEY, None), self._reports
        if packed is None or reports is None or self._open is None:
            return
        try:
            report = Report.unpack(packed)
            if report.facts and (client_id, report.facts.origin_ns) in self._merged:
                return
            reports.take(client_id, report, wall_s())
        except msgspec.DecodeError as error:
            self._refuse(
                HarnessError(
                    f"A worker's report cannot be read: {error}",
                    where=client_id,
                    remedy="Run the same version of the harness everywhere",
                )
            )
            return
        except HarnessError as error:
            self._open.trouble.append(str(error))
            self._refuse(error)
            return
        if report.trouble:
            LOG.error("harness: %s: %s", client_id, report.trouble)
        if (head := reports.head_so_far) and list(head.operations) != self._written:
            self._written = list(head.operations)
            self._on_usage()

    def _on_usage(self, **_: Any) -> None:
        if self._open and self._reports and (head := self._reports.head_so_far):
            reports = self._reports
            self._open.update(head, reports.zero_unix_s, reports.duration_s, len(reports.workers))

    def stop(self, recording: AnyRecording | None, ended_ns: int | None, trouble: str | None) -> ExitCode:  # noqa: ARG002 - see `Part`
        """Wait for the last words of all, and finish the run directory; remove it if nobody called."""
        open_run, reports = self._open, self._reports
        if open_run is None or reports is None:
            return ExitCode.OK
        self._wait(reports)
        self._open = self._reports = None
        head = reports.head
        if head is None:
            own = "" if self._runs.called else ". Start the workers with 'harness locust' too"
            return open_run.discard(own)
        self._merged |= reports.keys
        workers = reports.workers
        LOG.info("harness: %s", ", ".join(f"{name} is {client}" for client, name in workers.items()))
        plan = open_run.ended(head, reports.zero_unix_s, reports.duration_s, len(workers))
        open_run.notes = reports.notes()
        result = reports.merge(plan)
        open_run.document.workers = list(result.workers)
        open_run.document.host = result.host
        if result.ending.trouble:
            open_run.trouble.append(result.ending.trouble)
        return open_run.finish(Names(head.operations))

    def _wait(self, reports: WorkerReports) -> None:
        """Wait for the last report of each worker, no longer than they may take; who has none by then is lost."""
        runner = self._environment.runner
        expected = self._expected | set(reports.workers) | self._working()
        waiting = {client for client in expected if not reports.is_over(client)}
        for client in waiting & set(runner.clients):
            runner.send_message(_STOP, None, client)
        deadline_s = time.monotonic() + (self._environment.stop_timeout or 0.0) + _LAST_WORDS_S
        gone_s = time.monotonic() + _GONE_S
        while waiting and time.monotonic() < deadline_s:
            self._listen()
            for client in waiting:
                node = runner.clients.get(client)
                if (node is None and time.monotonic() > gone_s) or (
                    node and node.state == runners.STATE_MISSING
                ):
                    reports.lose(client, "stopped answering")
            waiting = {client for client in waiting if not reports.is_over(client)}
        for client in waiting:
            reports.lose(client, f"did not stop within {_LAST_WORDS_S:g} s")

    def _listen(self) -> None:
        """Let messages arrive for a moment; read them here if Locust's own listener has ended.

        When the last worker quits, as at Ctrl-C, the listener stops the test and then itself, before it has read the last
        report of that worker.
        """
        runner = self._environment.runner
        if not (self._listener.dead or self._listener is gevent.getcurrent()):
            gevent.sleep(_MOMENT_S)
            return
        heard = None
        with gevent.Timeout(_MOMENT_S, False):
            heard = runner.server.recv_from_client()
        if heard:
            runner.handle_message(*heard)
