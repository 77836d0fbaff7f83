"""Keep the totals of a split of service: the time that each holder has held the event loop, and what a call had of it.

The hook of an engine cuts the time of its loop into stretches of one holder each: an operation (a call, or work for
one), the target's own background work, the driver, the pacer, or nobody. Within a call `service = run + wait_busy +
wait_idle`: the time executing for the call, the time in which others held the loop, and the rest. `wait_busy` is
divided by those other holders. This module does not import gevent.
"""

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.load.blocking import LONG_NS, Blocking
from harness.load.holds import Holds
from harness.load.owner import Owner
from harness.load.run_delay import RunDelay
from harness.table.heldby import BACKGROUND, DRIVER, GARBAGE, IDLE, SPECIAL
from harness.target.carrying import Runner

if TYPE_CHECKING:
    from harness.load.waits import Waits


class Stretches:
    """The totals of one process. A subclass is the hook: `start` installs it and `stop` removes it."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._background = Owner(BACKGROUND)
        self.owners: dict[object, Owner] = {}
        """Owners of the greenlets that the hook knows, where owners are found by them."""
        self.mark_ns = now_ns()
        """Start of the running stretch; a call sets it when it is entered."""
        self.held = [0] * SPECIAL
        """Time held so far by holder, in ns. For the driver it is only the time in stretches of its own, not between calls."""
        self.due_ns = 1 << 62
        """Watched moment: holds of the loop after it are remembered."""
        self.holds = Holds()
        self.waits: Waits | None = None
        """Optional collector of the stacks on which calls wait; set before the hook is installed."""
        self.collected_in_target_ns = 0
        self.is_remote = False
        """True if the work of calls in this process is the harness's own client: then it delays calls, and no target does."""
        self.blocking: Blocking | None = None
        """Optional check of long stretches; set once the run's clock ticks."""

    def watch_processor(self, delay: RunDelay) -> None:
        """Compare long stretches of the target with `delay`, which must be of this thread."""
        self.blocking = Blocking(delay, len(self.held))

    def expect(self, operations: int) -> None:
        """Make room for this many operations, before the first call."""
        self.held = [0] * (operations + SPECIAL)

    def start(self) -> None:
        """Install the hook. Raises `TargetError` if that is impossible."""
        raise NotImplementedError

    def stop(self) -> None:
        """Remove the hook, if it is still ours."""
        raise NotImplementedError

    @property
    def was_taken(self) -> bool:
        """Return True if another tool has replaced the hook since `start`: then the split is wrong."""
        raise NotImplementedError

    def lend(self, owner: Owner, run: Runner) -> Runner:
        """Return `run`, wrapped to work for the owner of a call wherever the function runs in this loop."""
        raise NotImplementedError

    def collected(self, garbage_ns: int) -> None:
        """Count garbage collection that the target triggered in the running stretch."""
        raise NotImplementedError

    @property
    def target_ns(self) -> int:
        """Return the total time that calls and the target's background work have held the loop, in ns."""
        return sum(self.held[:-SPECIAL]) + self.held[BACKGROUND] + self.collected_in_target_ns

    def watch(self, due_ns: int) -> None:
        """Remember holds of the loop after `due_ns` from now on."""
        self.due_ns = due_ns
        self.holds.clear()

    def _see(self, owner: Owner, now_ns: int) -> None:
        owner.seen = self.held.copy(), owner.run_ns, owner.garbage_ns
        if self.waits is not None:
            self.waits.begin(owner, now_ns)

    def end_call(
        self, owner: Owner, service_ns: int, run_before_ns: int, completed_ns: int
    ) -> tuple[int, int, list[int]]:
        """Return (run_ns, wait_busy_ns, wait_busy by holder) of a call that ends now and has yielded.

        The last is in the order of `held`. The driver gets the time that no other holder can have had, since its work
        between two calls of one greenlet is not a stretch of its own. The place of IDLE stays 0.
        """
        self._close(owner, completed_ns)
        seen, owner.seen = owner.seen, None
        assert seen is not None  # noqa: S101 - the caller has checked it; this tells mypy.
        before, run_then_ns, garbage_then_ns = seen
        by = list(map(operator.sub, self.held, before))
        idle_ns, by[IDLE] = by[IDLE], 0
        by[owner.holder] -= owner.run_ns - run_then_ns
        if garbage_ns := owner.garbage_ns - garbage_then_ns:
            by[owner.holder] += garbage_ns
            by[GARBAGE] -= garbage_ns
        run_ns = owner.run_ns - run_before_ns
        busy_ns = service_ns - run_ns - idle_ns
        by[DRIVER] += busy_ns - sum(by)
        return run_ns, busy_ns, by

    def _collected_by(self, owner: Owner, garbage_ns: int) -> None:
        if owner.holder < BACKGROUND:
            return
        self.held[owner.holder] -= garbage_ns
        self.held[GARBAGE] += garbage_ns
        owner.garbage_ns += garbage_ns
        self.collected_in_target_ns += garbage_ns

    def _part(self, owner: Owner) -> None:
        """Close the running stretch: from now on others may run within the call."""
        now_ns = self._now_ns()
        self._close(owner, now_ns)
        if owner.seen is None:
            self._see(owner, now_ns)

    def _close(self, owner: Owner, end_ns: int) -> None:
        start_ns, self.mark_ns = self.mark_ns, end_ns
        self.held[owner.holder] += end_ns - start_ns
        owner.run_ns += end_ns - start_ns
        if owner.holder >= BACKGROUND:
            if end_ns > self.due_ns:
                self.holds.remember(start_ns, end_ns)
            if end_ns - start_ns > LONG_NS and self.blocking is not None:
                self.blocking.held(owner.holder, start_ns, end_ns)
