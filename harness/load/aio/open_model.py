"""Drive the open model: calls are sent at their planned times, whatever the target does, each in a task of its own.

The selector of the loop is the pacer's clock: it calls `send` when an arrival is due. A late arrival is sent at once and
its lag recorded; above the in-flight limit it is dropped.
"""

import asyncio
import contextvars
import functools

from harness.clock import NS_PER_S, SystemClock
from harness.load.aio.calling import Make
from harness.load.aio.lease import start_task
from harness.load.aio.selector import NEVER_NS, SPIN_NS
from harness.load.aio.vetting import Vetting
from harness.load.lateness import Lateness
from harness.load.owner import Owner
from harness.load.planned_rows import PlannedRows
from harness.load.run_delay import RunDelay
from harness.load.stretches import Stretches
from harness.load.trouble import as_trouble
from harness.table.heldby import PACER
from harness.table.recorder import Recorder

# The pacer gives the loop back at least this often.
_SLICE_NS = 1_000_000
# After this many arrivals and one, the pages behind them are released: a megabyte, in some 20 us.
_GIVE_BACK_MASK = 16_383
# When the user stops a run, calls in flight have this long to complete.
_STOP_GRACE_NS = 2_000_000_000


class OpenModel:
    """Driver of one plan, until every call has completed or the clock shows `deadline_ns`.

    Arrivals not sent by then stay `never_started`; calls not completed stay `unfinished`. It is the pacer of a selector.
    """

    def __init__(  # noqa: PLR0913 - the parts of one plan
        self,
        rows: PlannedRows,
        make: Make,
        recorder: Recorder,
        origin_ns: int,
        split: Stretches | None,
        *,
        in_flight_limit: int,
        deadline_ns: int,
        delay: RunDelay,
        vetting: Vetting,
        has_walkers: bool = False,
    ) -> None:
        """With `has_walkers`, `make` goes on to further calls, whose lags are asked for at moments in any order."""
        self._rows = rows
        self._make = make
        self._recorder = recorder
        self._origin_ns = origin_ns
        self._split = split
        self._limit = in_flight_limit
        self._deadline_ns = deadline_ns
        self._delay = delay
        self._vetting = vetting
        self._lateness = Lateness(split, delay, in_order=not has_walkers)
        self._has_walkers = has_walkers
        self._now_ns = SystemClock.now_ns
        self._next = self._claimed = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._free: list[Owner] = []
        self._is_stopping = False
        self._sent = asyncio.Event()
        self._quiet = asyncio.Event()
        self.due_ns = NEVER_NS
        self.in_flight_peak = 0
        self.trouble: Exception | None = None
        """Error that ended the run early; None for a full run."""

    @property
    def is_stopping(self) -> bool:
        """True once no more calls are sent."""
        return self._is_stopping

    def stop(self) -> None:
        """Send no more arrivals; calls in flight have a moment to complete."""
        self._is_stopping = True
        self._finish()

    async def run(self) -> None:
        """Send every arrival at its time, then wait for the calls in flight."""
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        if not self._is_stopping:
            self._await_next(self._now_ns())
        await self._sent.wait()
        await self._drain()

    def _finish(self) -> None:
        self.due_ns = NEVER_NS
        self._sent.set()
        self._quiet.set()

    def _await_next(self, now_ns: int) -> None:
        """Watch what holds the loop after the next arrival is due, which lies ahead."""
        if self._next >= len(self._rows.intended_ns):
            self._finish()
            return
        self.due_ns = self._rows.intended_ns[self._next] + self._origin_ns
        if self.due_ns > now_ns:
            if self._split and not self._has_walkers:
                self._split.watch(self.due_ns)
            self._delay.look(now_ns)

    async def pace(self) -> None:
        """Send arrivals at their times from a task, in a loop whose selector cannot do it."""
        while True:
            now_ns = self._now_ns()
            if self.due_ns <= now_ns:
                self.send(now_ns)
            left_ns = min(self.due_ns - now_ns - SPIN_NS, NS_PER_S)
            await asyncio.sleep(max(left_ns, 0) / NS_PER_S)

    def send(self, now_ns: int) -> None:
        """Send the arrivals that are due, for at most 1 ms."""
        start_ns = now_ns
        self._delay.look(now_ns)
        while self.due_ns <= now_ns < start_ns + _SLICE_NS:
            if now_ns > self._deadline_ns:
                self._finish()
                return
            row = self._next
            self._let_go(row, self.due_ns, now_ns)
            if not row & _GIVE_BACK_MASK:
                self._rows.give_back()
                self._recorder.give_back()
            self._next += 1
            now_ns = self._now_ns()
            self._await_next(now_ns)
        if self._split:
            self._split.held[PACER] += now_ns - start_ns

    def _let_go(self, row: int, due_ns: int, now_ns: int) -> None:
        rows, origin_ns = self._rows, self._origin_ns
        in_flight = len(self._tasks)
        held_ns, host_ns = self._lateness.owners(due_ns, now_ns, self._claimed - in_flight)
        operation, payload = rows.operation[row], rows.payload[row]
        planned = operation, payload, due_ns - origin_ns, now_ns - origin_ns
        if in_flight >= self._limit:
            self._recorder.drop(row, *planned, held_ns, host_ns)
            return
        self._recorder.claim(row, *planned)
        self._claimed += 1
        if in_flight >= self.in_flight_peak:
            self.in_flight_peak = in_flight + 1
        planned_call = functools.partial(self._call, row, operation, payload, held_ns, host_ns)
        owner = self._free.pop() if self._free else None
        self._tasks.add(start_task(self._loop, self._context, planned_call, owner))

    async def _call(
        self, row: int, operation: int, payload: int, held_ns: int, host_ns: int, owner: Owner
    ) -> None:
        try:
            await self._make(owner, row, operation, payload, held_ns, host_ns)
        except Exception as error:  # noqa: BLE001 - a call that died silently would leave its row unfinished
            # End normally and keep all measured calls.
            self.trouble = self.trouble or as_trouble(error)
            self.stop()
        else:
            self._free.append(owner)
        finally:
            self._tasks.discard(owner.root)
            if not self._tasks:
                self._quiet.set()

    async def _drain(self) -> None:
        """Wait for the calls in flight, but only briefly if the user stops the run."""
        if self._is_stopping:
            self._deadline_ns = min(self._deadline_ns, self._now_ns() + _STOP_GRACE_NS)
        while self._tasks and (left_ns := self._deadline_ns - self._now_ns()) > 0:
            self._quiet.clear()
            quiet = self._loop.create_task(self._quiet.wait())
            await asyncio.wait({quiet}, timeout=left_ns / NS_PER_S)
            quiet.cancel()
        await self._vetting.end(list(self._tasks))
