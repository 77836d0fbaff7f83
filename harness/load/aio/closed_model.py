"""Drive the closed model: each user is a task that calls, waits for the answer, thinks, and calls again.

A call is intended when its user's think time ends. A user without think time yields after at most 1 ms of calls that do
not yield by themselves.
"""

import asyncio
import contextvars
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from harness.clock import NS_PER_S, SystemClock
from harness.load.aio.calling import Make
from harness.load.aio.lease import CALL, start_task
from harness.load.aio.sleeping import sleep_until
from harness.load.aio.vetting import Vetting
from harness.load.calling import Calling
from harness.load.lateness import lag_owners
from harness.load.owner import Owner
from harness.load.run_delay import RunDelay
from harness.load.stretches import Stretches
from harness.load.trouble import as_trouble

_SLICE_NS = 1_000_000
Slice = Callable[[Owner, int, int, int, int, int], Awaitable[int]]
"""Async function from (owner, intended_ns, now_ns, lag_target_ns, lag_host_ns, slice_end_ns) to the next call's intended time.

All times are of the clock. It makes at least one call, and starts none after the end of the slice.
"""


def back_to_back(make: Make, calling: Calling, sequence: Sequence[tuple[int, int]]) -> Slice:
    """Return the function that makes calls without a pause, in the order of `sequence`, repeated, shared by all users."""
    take, append, origin_ns = (
        itertools.cycle(sequence).__next__,
        calling.recorder.appender(),
        calling.origin_ns,
    )

    async def run(
        owner: Owner, intended_ns: int, let_go_ns: int, lag_target_ns: int, lag_host_ns: int, end_ns: int
    ) -> int:
        task: Any = owner.root
        operation, payload = take()
        row = append(operation, payload, intended_ns - origin_ns, let_go_ns - origin_ns)
        next_ns = await make(owner, row, operation, payload, lag_target_ns, lag_host_ns)
        # A call that has cancelled its own task ends the slice.
        while next_ns <= end_ns and not task.cancelling():
            operation, payload = take()
            at_ns = next_ns - origin_ns
            next_ns = await make(owner, append(operation, payload, at_ns, at_ns), operation, payload, 0, 0)
        return next_ns

    return run


class ClosedModel:
    """Users driven until `end_ns` of the clock, one task each; all share `make_calls`."""

    def __init__(  # noqa: PLR0913 - the objects that its users share
        self,
        make_calls: Slice,
        split: Stretches | None,
        *,
        end_ns: int,
        users: int,
        think_time_s: float,
        drain_s: float,
        delay: RunDelay,
        vetting: Vetting,
        pause_s: Callable[[Owner], float] | None = None,
    ) -> None:
        """`pause_s` returns the pause before a user's next call; without it, all think for the same time."""
        self._make_calls = make_calls
        self._split = split
        self._end_ns = end_ns
        self._count = users
        self._think_time_s = think_time_s
        self._pause_s = pause_s or (lambda _owner: think_time_s)
        self._drain_s = drain_s
        self._delay = delay
        self._vetting = vetting
        self._now_ns = SystemClock.now_ns
        self._users: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self.in_flight_peak = 0
        self.trouble: Exception | None = None
        """Error that ended the run early; None for a full run."""

    def stop(self) -> None:
        """End the run: users end after the call that they are making."""
        self._stopped.set()

    async def run(self) -> None:
        """Drive all users, and return when they have ended, or `drain_s` after the end: calls in flight stay `unfinished`."""
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        self._users.update(start_task(loop, context, self._drive_user) for _ in range(self._count))
        self.in_flight_peak = self._count
        users = set(self._users)
        stopped = loop.create_task(self._stopped.wait())
        await asyncio.wait({stopped}, timeout=(self._end_ns - self._now_ns()) / NS_PER_S)
        stopped.cancel()
        await asyncio.wait(users, timeout=self._drain_s)
        await self._vetting.end(list(self._users))

    async def _drive_user(self, owner: Owner) -> None:
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - it runs in a task; this tells mypy.
        try:
            await self._call_again_and_again(owner)
        except Exception as error:  # noqa: BLE001 - a user that died silently would reduce the load unnoticed
            # The table is full, or a result was refused: end normally and keep all measured calls.
            self.trouble = self.trouble or as_trouble(error)
            self.stop()
        finally:
            self._users.discard(me)

    async def _call_again_and_again(self, owner: Owner) -> None:
        own, is_stopped = [owner], self._stopped.is_set
        intended_ns = now_ns = self._now_ns()
        held_ns = host_ns = 0
        while now_ns < self._end_ns and not is_stopped():
            slice_end_ns = now_ns if self._think_time_s else min(now_ns + _SLICE_NS, self._end_ns)
            completed_ns = await self._make_calls(owner, intended_ns, now_ns, held_ns, host_ns, slice_end_ns)
            CALL.set(own)
            intended_ns, now_ns, held_ns, host_ns = await self._pause(completed_ns, self._pause_s(owner))

    async def _pause(self, completed_ns: int, pause_s: float) -> tuple[int, int, int, int]:
        """Pause, or only yield, and return (intended, now, lag caused by the target, lag caused by the host) in ns."""
        split = self._split
        self._delay.look(completed_ns)
        target_ns = split.target_ns if split else 0
        intended_ns = completed_ns + round(pause_s * NS_PER_S)
        await sleep_until(intended_ns, self._vetting)
        now_ns = self._now_ns()
        intended_ns = min(intended_ns, now_ns)
        held_ns, host_ns = lag_owners(split, self._delay, intended_ns, now_ns, None if pause_s else target_ns)
        return intended_ns, now_ns, held_ns, host_ns
