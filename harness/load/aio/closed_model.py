"""Drive the closed model: each user is a task that calls, waits for the answer, thinks, and calls again.

A call is intended when its user's think time ends. A user without think time yields after at most 1 ms of calls that do
not yield by themselves.
"""

import asyncio
import contextvars
from collections.abc import Callable

from harness.clock import NS_PER_S, SystemClock
from harness.load.aio.back_to_back import Slice
from harness.load.aio.lease import CALL, start_task
from harness.load.aio.sleeping import sleep_until
from harness.load.aio.vetting import Vetting
from harness.load.lateness import lag_owners
from harness.load.owner import Owner
from harness.load.run_delay import RunDelay
from harness.load.stretches import Stretches
from harness.load.trouble import as_trouble

_SLICE_NS = 1_000_000


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
