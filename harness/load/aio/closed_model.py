"""Drive the closed model: each user is a task that calls, waits for the answer, thinks, and calls again.

A call is intended when its user's think time ends. A user without think time yields after at most 1 ms of calls that do
not yield by themselves.
"""

import asyncio
import contextvars
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

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
from harness.target.journeys import USER

_SLICE_NS = 1_000_000


class Following(NamedTuple):
    """The moment for which a user's next call is intended, and, without a pause before it, the split's `target_ns` by now."""

    intended_ns: int
    target_ns: int | None


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
        # So that making a user adds no variable: see `_drive_user`.
        USER.set(None)
        self._context = contextvars.copy_context()
        self._users.update(start_task(loop, self._context, self._drive_user) for _ in range(self._count))
        self.in_flight_peak = self._count
        stopped = loop.create_task(self._stopped.wait())
        await asyncio.wait({stopped}, timeout=(self._end_ns - self._now_ns()) / NS_PER_S)
        stopped.cancel()
        give_up_ns = self._now_ns() + round(self._drain_s * NS_PER_S)
        while self._users and (left_ns := give_up_ns - self._now_ns()) > 0:
            await asyncio.wait(set(self._users), timeout=left_ns / NS_PER_S)
        await self._vetting.end(list(self._users))

    async def _drive_user(self, owner: Owner, following: Following | None = None) -> None:
        """Make the calls of one user, from the `following` one on, as long as they leave the task as they found it.

        A call that cancels its own task, or sets context variables, must not reach the next one: a server makes a task
        for each request. So the user goes on in a new task.
        """
        me: Any = asyncio.current_task()
        try:
            following = await self._call_again_and_again(me, owner, following)
            if following is not None:
                context = self._context.copy()
                context.run(USER.set, USER.get())
                go_on = functools.partial(self._drive_user, following=following)
                self._users.add(start_task(me.get_loop(), context, go_on, owner))
        except Exception as error:  # noqa: BLE001 - a user that died silently would reduce the load unnoticed
            # The table is full, or a result was refused: end normally and keep all measured calls.
            self.trouble = self.trouble or as_trouble(error)
            self.stop()
        finally:
            self._users.discard(me)

    async def _call_again_and_again(
        self, me: asyncio.Task[None], owner: Owner, following: Following | None
    ) -> Following | None:
        """Return what follows the last call if that needs a new task."""
        own, variables = [owner], len(owner.context)
        if following:
            intended_ns, now_ns, held_ns, host_ns = await self._pause(following, has_yielded=True)
        else:
            intended_ns = now_ns = self._now_ns()
            held_ns = host_ns = 0
        while now_ns < self._end_ns and not self._stopped.is_set():
            slice_end_ns = now_ns if self._think_time_s else min(now_ns + _SLICE_NS, self._end_ns)
            completed_ns = await self._make_calls(owner, intended_ns, now_ns, held_ns, host_ns, slice_end_ns)
            CALL.set(own)
            following = self._following(owner, completed_ns)
            if me.cancelling() or len(owner.context) != variables:
                return following
            intended_ns, now_ns, held_ns, host_ns = await self._pause(following, has_yielded=False)
        return None

    def _following(self, owner: Owner, completed_ns: int) -> Following:
        self._delay.look(completed_ns)
        pause_s, split = self._pause_s(owner), self._split
        target_ns = None if pause_s else split.target_ns if split else 0
        return Following(completed_ns + round(pause_s * NS_PER_S), target_ns)

    async def _pause(self, following: Following, *, has_yielded: bool) -> tuple[int, int, int, int]:
        """Pause, or only yield, and return (intended, now, lag caused by the target, lag caused by the host) in ns."""
        intended_ns, target_ns = following
        if target_ns is None or not has_yielded:
            await sleep_until(intended_ns, self._vetting)
        now_ns = self._now_ns()
        intended_ns = min(intended_ns, now_ns)
        return intended_ns, now_ns, *lag_owners(self._split, self._delay, intended_ns, now_ns, target_ns)
