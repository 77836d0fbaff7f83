"""Who holds the event loop: a switch hook that splits service exactly into run, wait-busy and wait-idle.

gevent runs one greenlet at a time. The hook of `greenlet.settrace` sees every switch, so each stretch between
two switches has one owner: a call (its worker, or a greenlet that works for it, known through `wrap`), the
driver, the target's own background work, or nobody (the hub, and the pacer, which only waits). Within a call
`service = run + wait_busy + wait_idle`: what ran for the call, what others ran meanwhile, and the rest.
"""

import collections
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import greenlet

P = ParamSpec("P")
R = TypeVar("R")

# Stretches this close together are one: between them the hub only picked the next greenlet.
_MERGE_NS = 5_000


class Owner:
    """What a greenlet works for: a call, or (with `is_target` false) the driver."""

    __slots__ = ("is_shared", "is_target", "operation", "run_ns")

    def __init__(self, *, is_target: bool = False) -> None:
        self.operation = -1
        self.is_target = is_target
        """False while the greenlet only drives; a worker sets it once for many calls, not for each."""
        self.is_shared = False
        """True once another greenlet works for the same call: it may do so after the call has returned."""
        self.run_ns = 0


class Split:
    """The switch hook and its totals. One per process; `start` installs it and `stop` removes it."""

    def __init__(self, hub: object, now_ns: Callable[[], int]) -> None:
        self._hub = hub
        self._now_ns = now_ns
        self._idlers = {hub}
        self.owners: dict[object, Owner] = {}
        self.mark_ns = now_ns()
        """The start of the stretch that is running now."""
        self.busy_ns = 0
        """All stretches so far that somebody ran in."""
        self.target_ns = 0
        """Of these, the ones that calls and the target's background work ran in."""
        self.switches = 0
        self.due_ns = 1 << 62
        """The next arrival: who holds the loop after it is remembered."""
        self._holds: collections.deque[list[int]] = collections.deque()
        self._held_ns = 0

    def start(self) -> None:
        """Install the hook. Raises RuntimeError if another tool has one: greenlet knows only one."""
        if greenlet.gettrace() is not None:
            raise RuntimeError("another tool traces greenlet switches in this process")
        self.mark_ns = self._now_ns()
        greenlet.settrace(self._on_switch)

    def stop(self) -> None:
        """Remove the hook."""
        greenlet.settrace(None)

    def idle(self, waiter: object) -> None:
        """Count what `waiter` runs as nobody's: the pacer, which only waits for the next arrival."""
        self._idlers.add(waiter)

    def _on_switch(self, _event: str, switch: tuple[object, object]) -> None:
        origin = switch[0]
        now_ns = self._now_ns()
        start_ns, self.mark_ns = self.mark_ns, now_ns
        if origin in self._idlers:
            return
        self.switches += 1
        length_ns = now_ns - start_ns
        self.busy_ns += length_ns
        owner = self.owners.get(origin)
        if owner is not None:
            owner.run_ns += length_ns
            if not owner.is_target:
                return
        self.hold(start_ns, now_ns)

    def hold(self, start_ns: int, end_ns: int) -> None:
        """Note that the target had the loop."""
        self.target_ns += end_ns - start_ns
        if end_ns > self.due_ns:
            self.remember(start_ns, end_ns)

    def remember(self, start_ns: int, end_ns: int) -> None:
        """Keep a stretch of the target that reached beyond the watched arrival."""
        holds = self._holds
        if holds and start_ns - holds[-1][1] < _MERGE_NS:
            start_ns, holds[-1][1] = holds[-1][1], end_ns
        else:
            holds.append([start_ns, end_ns])
        self._held_ns += end_ns - start_ns

    def watch(self, due_ns: int) -> None:
        """From now on remember who holds the loop after `due_ns`, the next arrival."""
        self.due_ns = due_ns
        self._holds.clear()
        self._held_ns = 0

    def held_ns(self, from_ns: int) -> int:
        """Return how long the target has held the loop since `from_ns`, at or after the watched arrival.

        Between two calls of `watch` it is asked for later and later times: what ended before one of them is
        forgotten, so that a long backlog costs each of its arrivals the same.
        """
        holds = self._holds
        while holds and holds[0][1] <= from_ns:
            start_ns, end_ns = holds.popleft()
            self._held_ns -= end_ns - start_ns
        return self._held_ns - max(from_ns - holds[0][0], 0) if holds else 0

    def end_call(self, owner: Owner, completed_ns: int) -> None:
        """Close the running stretch as the call's, so that what the driver does next is not."""
        length_ns = completed_ns - self.mark_ns
        owner.run_ns += length_ns
        self.busy_ns += length_ns
        self.hold(self.mark_ns, completed_ns)
        self.mark_ns = completed_ns

    def bind(self, function: Callable[P, R], current: Callable[[], object]) -> Callable[P, R]:
        """Return `function` as work of the call that is running now, for another greenlet."""
        owner = self.owners.get(current())
        if owner is None:
            return function
        owner.is_shared = True

        @functools.wraps(function)
        def bound(*args: P.args, **kwargs: P.kwargs) -> R:
            me = current()
            previous = self._change_owner(me, owner)
            try:
                return function(*args, **kwargs)
            finally:
                self._change_owner(me, previous)

        return bound

    def _change_owner(self, greenlet_: object, owner: Owner | None) -> Owner | None:
        now_ns = self._now_ns()
        previous = self.owners.get(greenlet_)
        length_ns = now_ns - self.mark_ns
        self.busy_ns += length_ns
        if previous is not None:
            previous.run_ns += length_ns
        if previous is None or previous.is_target:
            self.hold(self.mark_ns, now_ns)
        self.mark_ns = now_ns
        if owner is None:
            self.owners.pop(greenlet_, None)
        else:
            self.owners[greenlet_] = owner
        return previous
