"""Split service time exactly into executing (run), event loop blocked (wait_busy) and I/O wait (wait_idle) by a switch hook.

gevent runs one greenlet at a time. The hook of `greenlet.settrace` sees every switch, so each stretch between two
switches has one holder: an operation (in the greenlet of a call, or in one that works for it, known through `wrap`), the
target's own background work, the driver, the pacer, or nobody (the hub, and the pacer while it only waits). Within a
call `service = run + wait_busy + wait_idle`: the time executing for the call, the time in which others held the loop,
and the rest. `wait_busy` is divided by those other holders. An optional `Waits` learns from the same hook on which
stacks calls waited.
"""

from collections.abc import Callable
from typing import Any

import greenlet
from gevent.monkey import get_original

from harness.errors import TargetError
from harness.load.blocking import LONG_NS
from harness.load.owner import Owner
from harness.load.stretches import Stretches
from harness.table.heldby import BACKGROUND, IDLE
from harness.target.carrying import Runner

get_ident: Callable[[], int] = get_original("_thread", "get_ident")
"""Function that returns the id of the real thread: gevent's patched version returns ids of greenlets."""
_settrace = greenlet.settrace


class Split(Stretches):
    """The switch hook and its totals, one per process; `start` installs it and `stop` removes it."""

    def __init__(self, hub: object, now_ns: Callable[[], int]) -> None:
        super().__init__(now_ns)
        self._thread = get_ident()
        self.owners[hub] = Owner(IDLE)
        self._is_on = self._was_taken = False

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

    def collected(self, garbage_ns: int) -> None:
        """Count garbage collection that the target triggered in the running stretch."""
        self._collected_by(self.owners.get(greenlet.getcurrent(), self._background), garbage_ns)

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
