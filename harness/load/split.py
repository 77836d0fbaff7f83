"""Split service time exactly into executing (run), event loop blocked (wait_busy) and I/O wait (wait_idle) by a switch hook.

gevent runs one greenlet at a time. The hook of `greenlet.settrace` sees every switch, so each stretch between two
switches has one holder: an operation (in the greenlet of a call, or in one that works for it, known through `wrap`), the
target's own background work, the driver, the pacer, or nobody (the hub, and the pacer while it only waits). Within a
call `service = run + wait_busy + wait_idle`: the time executing for the call, the time in which others held the loop,
and the rest. `wait_busy` is divided by those other holders. An optional `Waits` learns from the same hook on which
stacks calls waited.
"""

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import greenlet
from gevent.monkey import get_original

from harness.errors import TargetError
from harness.load.blocking import LONG_NS, Blocking
from harness.load.holds import Holds
from harness.load.owner import Owner
from harness.load.run_delay import RunDelay
from harness.table.heldby import BACKGROUND, DRIVER, GARBAGE, IDLE, SPECIAL
from harness.target.carrying import Runner

if TYPE_CHECKING:
    from harness.load.waits import Waits

get_ident: Callable[[], int] = get_original("_thread", "get_ident")
"""Function that returns the id of the real thread: gevent's patched version returns ids of greenlets."""
_settrace = greenlet.settrace


class Split:
    """The switch hook and its totals, one per process; `start` installs it and `stop` removes it."""

    def __init__(self, hub: object, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._thread = get_ident()
        self._nobody = Owner(IDLE)
        self._background = Owner(BACKGROUND)
        self.owners: dict[object, Owner] = {hub: self._nobody}
        self.mark_ns = now_ns()
        """Start of the running stretch; a call sets it when it is entered."""
        self.held = [0] * SPECIAL
        """Time held so far by holder, in ns. For the driver it is only the time in greenlets of its own, not between calls."""
        self.due_ns = 1 << 62
        """Watched moment: holds of the loop after it are remembered."""
        self.holds = Holds()
        self.waits: Waits | None = None
        """Optional collector of the stacks on which calls wait; set before the hook is installed."""
        self.collected_in_target_ns = 0
        self.blocking: Blocking | None = None
        """Optional check of long stretches; set once the run's clock ticks."""
        self._is_on = self._was_taken = False

    def watch_processor(self, delay: RunDelay) -> None:
        """Compare long stretches of the target with `delay`, which must be of this thread."""
        self.blocking = Blocking(delay, len(self.held))

    def expect(self, operations: int) -> None:
        """Make room for this many operations, before the first call."""
        self.held = [0] * (operations + SPECIAL)

    def start(self) -> None:
        """Install the hook. Raises `TargetError` if another tool has installed one: greenlet supports only one."""
        if greenlet.gettrace() is not None:
            raise TargetError(
                "The target, or a tool that it started, traces greenlet switches itself; greenlet supports one such hook",
                remedy="Remove that hook, or run with --no-split, which does not split service time",
            )
        self.mark_ns = self._now_ns()
        _settrace(self._on_switch)
        greenlet.settrace = self._set_by_another
        self._is_on = True

    def stop(self) -> None:
        """Remove the hook, if it is still ours."""
        self._was_taken = self.was_taken
        self._is_on = False
        greenlet.settrace = _settrace
        if greenlet.gettrace() == self._on_switch:
            _settrace(None)

    @property
    def was_taken(self) -> bool:
        """Return True if another tool has replaced the hook since `start`, however briefly: then the split is wrong."""
        return self._was_taken or (self._is_on and greenlet.gettrace() != self._on_switch)

    def _set_by_another(self, function: object) -> object:
        # A tool may restore our hook before the end, which could not be seen then. Another thread has its own hook.
        if get_ident() == self._thread and function != self._on_switch:
            self._was_taken = True
        return _settrace(function)

    @property
    def target_ns(self) -> int:
        """Return the total time that calls and the target's background work have held the loop, in ns."""
        return sum(self.held[:-SPECIAL]) + self.held[BACKGROUND] + self.collected_in_target_ns

    def watch(self, due_ns: int) -> None:
        """Remember holds of the loop after `due_ns` from now on."""
        self.due_ns = due_ns
        self.holds.clear()

    def _on_switch(self, _event: str, switch: tuple[object, object]) -> None:
        now_ns = self._now_ns()
        start_ns, self.mark_ns = self.mark_ns, now_ns
        owner = self.owners.get(switch[0], self._background)
        holder, length_ns = owner.holder, now_ns - start_ns
        self.held[holder] += length_ns
        owner.run_ns += length_ns
        if holder >= BACKGROUND:
            if owner.seen is None:
                self._see(owner, now_ns)
            if now_ns > self.due_ns:
                self.holds.remember(start_ns, now_ns)
            if length_ns > LONG_NS and self.blocking is not None:
                self.blocking.held(holder, start_ns, now_ns)
        if self.waits is not None:
            if owner.is_shared:
                self.waits.left(owner, switch[0], now_ns)
            back = self.owners.get(switch[1])
            if back is not None and back.holder >= 0:
                self.waits.came_back(back, switch[1], now_ns)

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

    def collected(self, garbage_ns: int) -> None:
        """Count garbage collection that the target triggered in the running stretch."""
        owner = self.owners.get(greenlet.getcurrent(), self._background)
        if owner.holder < BACKGROUND:
            return
        self.held[owner.holder] -= garbage_ns
        self.held[GARBAGE] += garbage_ns
        owner.garbage_ns += garbage_ns
        self.collected_in_target_ns += garbage_ns

    def lend(self, owner: Owner, run: Runner) -> Runner:
        """Return `run`, wrapped to work for the owner of a call in other greenlets of this thread.

        The hook cannot see work in another thread: its time counts as the call's waiting.
        """
        owner.is_shared = True
        self._part(owner)

        def run_lent(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != self._thread:
                return run(function, *args, **kwargs)
            me = greenlet.getcurrent()
            previous = self._change_owner(me, owner)
            try:
                return run(function, *args, **kwargs)
            finally:
                self._change_owner(me, previous)

        return run_lent

    def _change_owner(self, greenlet_: object, owner: Owner | None) -> Owner | None:
        previous = self.owners.get(greenlet_)
        self._part(previous or self._background)
        if owner is None:
            self.owners.pop(greenlet_, None)
        else:
            self.owners[greenlet_] = owner
        return previous

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
