"""Drive the open model: calls are sent at their planned times, whatever the target does.

One pacer greenlet sends arrivals; parked worker greenlets take them (a new greenlet for each arrival would cost 20 us).
A late arrival is sent at once and its lag recorded; above the in-flight limit it is dropped.
"""

import collections

import gevent
from gevent.event import Event
from gevent.hub import get_hub

from harness.clock import NS_PER_S, SystemClock
from harness.load.calling import Make
from harness.load.lateness import Lateness
from harness.load.owner import Owner
from harness.load.planned_rows import PlannedRows
from harness.load.run_delay import RunDelay
from harness.load.stretches import Stretches
from harness.load.trouble import as_trouble
from harness.load.vetting import Vetting
from harness.table.heldby import DRIVER, IDLE, PACER
from harness.table.recorder import Recorder

# Timers below 1 ms are unreliable in an event loop: sleep until this long before the due time, then yield until due.
_YIELD_NS = 1_500_000
# Pacer and workers yield at least this often.
_SLICE_NS = 1_000_000
# After this many arrivals and one, the pages behind them are released: a megabyte, in some 20 us.
_GIVE_BACK_MASK = 16_383
# When the user stops a run, calls in flight have this long to complete.
_STOP_GRACE_NS = 2_000_000_000


class OpenModel:
    """Driver of one plan, until every call has completed or the clock shows `deadline_ns`.

    Arrivals not sent by then stay `never_started`; calls not completed stay `unfinished`.
    """

    def __init__(  # noqa: PLR0913 - the parts of one plan
        self,
        rows: PlannedRows,
        make: Make,
        recorder: Recorder,
        origin_ns: int,
        split: Stretches | None,
        owners: dict[object, Owner],
        *,
        in_flight_limit: int,
        deadline_ns: int,
        delay: RunDelay,
        vetting: Vetting | None = None,
        has_walkers: bool = False,
    ) -> None:
        """With `has_walkers`, `make` goes on to further calls, whose lags are asked for at moments in any order."""
        self._rows = rows
        self._make = make
        self._recorder = recorder
        self._origin_ns = origin_ns
        self._split = split
        self._owners = owners
        self._limit = in_flight_limit
        self._deadline_ns = deadline_ns
        self._vetting = vetting or Vetting()
        self._now_ns = SystemClock.now_ns
        self._queue: collections.deque[tuple[int, int, int]] = collections.deque()
        self._parked: list[gevent.Greenlet] = []
        self._workers: list[gevent.Greenlet] = []
        self._claimed = self._in_flight = 0
        self._quiet = Event()
        self._lateness = Lateness(split, delay, in_order=not has_walkers)
        # The loop counts as idle while the pacer only waits for the next arrival.
        self._pacer = Owner(IDLE)
        self._delay = delay
        self._has_walkers = has_walkers
        self.in_flight_peak = 0
        self._ended = Event()
        self.stopping = Event()
        self.trouble: Exception | None = None
        """Error that ended the run early; None for a full run."""

    def drive_user(self) -> None:
        """Act as the pacer: send every arrival at its time, then wait for the calls in flight."""
        self._owners[gevent.getcurrent()] = self._pacer
        try:
            self._pace(self._delay)
        finally:
            self._pacer.holder = IDLE
            self._drain()
            self._ended.set()

    def wait(self) -> None:
        """Return when `drive_user` has ended."""
        self._ended.wait()

    def _pace(self, delay: RunDelay) -> None:
        intended_ns, origin_ns, stopping = self._rows.intended_ns, self._origin_ns, self.stopping
        deadline_ns = self._deadline_ns
        slice_ns = self._now_ns()
        for row in range(len(intended_ns)):
            due_ns = intended_ns[row] + origin_ns
            now_ns = self._now_ns()
            if now_ns < due_ns:
                now_ns = slice_ns = self._wait_until(due_ns, delay)
            elif now_ns - slice_ns > _SLICE_NS:
                gevent.sleep(0)
                now_ns = slice_ns = self._now_ns()
                delay.look(now_ns)
            if stopping.is_set() or now_ns > deadline_ns:
                return
            self._let_go(row, due_ns, now_ns)
            if not row & _GIVE_BACK_MASK:
                self._rows.give_back()
                self._recorder.give_back()

    def _wait_until(self, due_ns: int, delay: RunDelay) -> int:
        """Wait until the clock reaches `due_ns`, or until the run must stop, and return the clock."""
        if self._split and not self._has_walkers:
            self._split.watch(due_ns)
        now_ns = self._now_ns()
        delay.look(now_ns)
        while now_ns < due_ns and not self.stopping.is_set():
            if due_ns - now_ns > _YIELD_NS:
                self.stopping.wait((due_ns - now_ns - _YIELD_NS) / NS_PER_S)
            else:
                gevent.sleep(0)
            self._pacer.holder = IDLE
            now_ns = self._now_ns()
        self._pacer.holder = PACER
        return now_ns

    def _let_go(self, row: int, due_ns: int, now_ns: int) -> None:
        rows, origin_ns = self._rows, self._origin_ns
        held_ns, host_ns = self._lateness.owners(due_ns, now_ns, self._claimed - self._in_flight)
        planned = rows.operation[row], rows.payload[row], due_ns - origin_ns, now_ns - origin_ns
        if self._in_flight >= self._limit:
            self._recorder.drop(row, *planned, held_ns, host_ns)
            return
        self._recorder.claim(row, *planned)
        self._claimed += 1
        self._in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self._in_flight)
        self._queue.append((row, held_ns, host_ns))
        if self._parked:
            get_hub().loop.run_callback(self._parked.pop().switch)
        elif len(self._workers) < self._in_flight:
            self._workers.append(gevent.spawn(self._work))

    def _work(self) -> None:
        try:
            self._make_calls()
        except Exception as error:  # noqa: BLE001 - a worker that died silently would leave its arrivals unsent
            # End normally and keep all measured calls.
            self.trouble = self.trouble or as_trouble(error)
            self.stopping.set()
            self._quiet.set()

    def _make_calls(self) -> None:
        me = gevent.getcurrent()
        hub, queue, make = get_hub(), self._queue, self._make
        operation, payload = self._rows.operation, self._rows.payload
        owners = self._owners
        owners[me] = Owner(root=me)
        while True:
            slice_ns = self._now_ns()
            while queue:
                row, held_ns, host_ns = queue.popleft()
                try:
                    completed_ns = make(me, row, operation[row], payload[row], held_ns, host_ns)
                finally:
                    self._in_flight -= 1
                if completed_ns - slice_ns > _SLICE_NS:
                    owners[me].holder = DRIVER
                    gevent.sleep(0)
                    slice_ns = self._now_ns()
            owners[me].holder = DRIVER
            if not self._in_flight:
                self._quiet.set()
            self._parked.append(me)
            hub.switch()

    def _drain(self) -> None:
        """Wait for the calls in flight, but only briefly if the user stops the run."""
        if self.stopping.is_set():
            self._deadline_ns = min(self._deadline_ns, self._now_ns() + _STOP_GRACE_NS)
        while self._in_flight and self._now_ns() < self._deadline_ns:
            self._quiet.clear()
            self._quiet.wait((self._deadline_ns - self._now_ns()) / NS_PER_S)
        # A call may refuse to end, or the machine may be slow: the run ends anyway.
        self._vetting.kill(self._workers)
