"""Drive the open model with a pool of threads: the main thread sends each arrival at its planned time, whatever the target does.

A late arrival is sent at once and its lag recorded; above the in-flight limit it is dropped. The pool grows with the calls
in flight; beyond its bound, calls wait for a free thread, which is part of their response time.
"""

import contextlib
import queue
import threading
import time

from harness.clock import NS_PER_S, SystemClock
from harness.load.backlog import Backlog
from harness.load.calling import Calling
from harness.load.planned_rows import PlannedRows
from harness.load.threads.caller import Caller
from harness.load.threads.crew import Crew
from harness.load.threads.lateness import Lateness
from harness.load.threads.walking import Walking
from harness.run.facts import MOST_THREADS

_UNSHARED = contextlib.nullcontext()
_FIRST_THREADS = 8
# A sleep is cut into parts, so that a signal is heard.
_LONGEST_SLEEP_NS = 50_000_000
# The causes of a delay are told from this long before it is due.
_WATCHED_NS = 1_000_000
# After this many arrivals and one, the pages behind them are released.
_GIVE_BACK_MASK = 16_383


class OpenModel:
    """Driver of one plan, until every call has completed or the clock shows `deadline_ns`.

    Arrivals not sent by then stay `never_started`; calls not completed stay `unfinished`.
    """

    def __init__(
        self,
        rows: PlannedRows,
        calling: Calling,
        *,
        in_flight_limit: int,
        deadline_ns: int,
        crew: Crew,
        walking: Walking | None = None,
    ) -> None:
        """With `walking`, each arrival is a user, who is in flight until the journey ends."""
        self._rows = rows
        self._calling = calling
        self._origin_ns = calling.origin_ns
        self._limit = in_flight_limit
        self._deadline_ns = deadline_ns
        self._now_ns = SystemClock.now_ns
        self._queue: queue.SimpleQueue[tuple[int, int, int] | None] = queue.SimpleQueue()
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._sent = self._threads = 0
        self._is_paced = False
        self._quiet = threading.Event()
        self._backlog = Backlog()
        self._target_ns = 0
        self._walking = walking
        self._users_gone = 0
        self.crew = crew
        self.in_flight_peak = 0

    def run(self) -> None:
        """Act as the pacer in the main thread: send every arrival at its time, then wait for the calls in flight."""
        crew = self.crew
        self._threads = min(self._limit, _FIRST_THREADS)
        for _ in range(self._threads):
            self._hire()
        threading.Thread(target=self._hire_when_wanted, daemon=True).start()
        self._lateness = Lateness(self._harness_cpu_ns)
        try:
            self._pace()
        finally:
            self._is_paced = True
            if self._sent > self._gone:
                crew.wait(self._quiet, self._deadline_ns)
            crew.gate.close()
            appended = self._calling.recorder.tail[0] - len(self._rows.intended_ns)
            crew.running = self._sent + appended - crew.gate.ended
            crew.halted(self._lateness)
            self._wanted.put(False)
            for _ in range(self._threads):
                self._queue.put(None)

    def _pace(self) -> None:
        intended_ns, origin_ns, crew = self._rows.intended_ns, self._origin_ns, self.crew
        for row in range(len(intended_ns)):
            due_ns = intended_ns[row] + origin_ns
            now_ns = self._now_ns()
            if now_ns < due_ns:
                now_ns = self._wait_until(due_ns)
            if crew.is_stopped() or now_ns > self._deadline_ns:
                return
            self._let_go(row, due_ns, now_ns)
            if not row & _GIVE_BACK_MASK:
                self._rows.give_back()
                self._calling.recorder.give_back()

    def _wait_until(self, due_ns: int) -> int:
        """Sleep until the clock reaches `due_ns`, or until the run must stop, and return the clock."""
        now_ns = self._now_ns()
        while now_ns < due_ns and not self.crew.is_stopped():
            self._lateness.look(now_ns)
            left_ns = due_ns - now_ns
            if left_ns > 2 * _WATCHED_NS:
                left_ns = min(left_ns - _WATCHED_NS, _LONGEST_SLEEP_NS)
            time.sleep(left_ns / NS_PER_S)
            now_ns = self._now_ns()
        return now_ns

    def _let_go(self, row: int, due_ns: int, now_ns: int) -> None:
        rows, origin_ns = self._rows, self._origin_ns
        target_ns, host_ns = self._causes(due_ns, now_ns)
        planned = rows.operation[row], rows.payload[row], due_ns - origin_ns, now_ns - origin_ns
        in_flight = self._sent - self._gone
        # Users with state append rows: the table must not grow, and move, meanwhile.
        with self.crew.gate.lock if self._walking else _UNSHARED:
            if in_flight >= self._limit:
                self._calling.recorder.drop(row, *planned, target_ns, host_ns)
                return
            self._calling.recorder.claim(row, *planned)
        self._sent += 1
        self.in_flight_peak = max(self.in_flight_peak, in_flight + 1)
        self._queue.put((row, target_ns, host_ns))
        if self._threads <= in_flight and self._threads < MOST_THREADS:
            self._threads += 1
            self._wanted.put(True)

    @property
    def _gone(self) -> int:
        """Number of arrivals that are no longer in flight."""
        return self._users_gone if self._walking else self.crew.gate.ended

    def _causes(self, due_ns: int, now_ns: int) -> tuple[int, int]:
        """Return the parts of the start delay that the target and the host caused; the rest is the harness's own."""
        target_ns, host_ns = self._lateness.causes(due_ns, now_ns)
        if target_ns:
            self._target_ns = time.process_time_ns() - self._harness_cpu_ns()
        caused_ns = target_ns + host_ns
        excused_ns = self._backlog.excused_ns(
            due_ns, now_ns, caused_ns, self._target_ns, self.crew.gate.ended
        )
        # Sending a backlog takes time too, which whoever caused the backlog has caused.
        excused_ns = min(excused_ns, now_ns - due_ns - caused_ns)
        if target_ns >= host_ns:
            return target_ns + excused_ns, host_ns
        return target_ns, host_ns + excused_ns

    def _harness_cpu_ns(self) -> int:
        return self.crew.harness_cpu_ns() + time.thread_time_ns()

    def _hire(self) -> None:
        self.crew.start(self._work, Caller(self._calling, self.crew.gate))

    def _hire_when_wanted(self) -> None:
        """Start threads beside the pacer, whom the start of one would delay."""
        try:
            while self._wanted.get():
                self._hire()
        except Exception as error:  # noqa: BLE001 - calls would wait for a thread that does not come
            self.crew.fail(error)

    def _work(self, caller: Caller) -> None:
        make, get = caller.make(), self._queue.get
        intended_ns, operation, payload = self._rows.intended_ns, self._rows.operation, self._rows.payload
        lateness = Lateness(self.crew.harness_cpu_ns) if self._walking else None
        while (item := get()) is not None:
            row, target_ns, host_ns = item
            if self._walking:
                self._walking.arrive(caller)
            ended_ns = make(row, operation[row], payload[row], intended_ns[row], target_ns, host_ns)
            if ended_ns is None:
                return
            if self._walking and lateness:
                if not self._walking.walk_on(caller, make, row, ended_ns, lateness):
                    return
                with self.crew.gate.lock:
                    self._users_gone += 1
            if self._is_paced and self._gone >= self._sent:
                self._quiet.set()
        if lateness:
            self.crew.halted(lateness)
