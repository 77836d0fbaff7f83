"""Wait for the loop's events, count the waiting as idle time, and send arrivals at their times.

A selector waits in steps of 1 ms, and a timer of the loop is late by as much. So arrivals are not timers: the selector
waits until shortly before the next one, then looks for events and at the clock in turn. The loop's own timers are as
exact as without it.
"""

import selectors
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from harness.table.heldby import IDLE

if TYPE_CHECKING:
    from harness.load.stretches import Stretches

NS_PER_MS = 1_000_000
SPIN_NS = 1_500_000
"""Time before an arrival in which the selector no longer sleeps, in ns: a step of 1 ms, and what waking up may take."""
NEVER_NS = 1 << 62

Events = list[tuple[selectors.SelectorKey, int]]


class Pacer(Protocol):
    """Sender of arrivals."""

    due_ns: int
    """Clock at which the next one is due; `NEVER_NS` if none is left."""

    def send(self, now_ns: int) -> None:
        """Send the arrivals that are due."""


class PacedSelector(selectors.DefaultSelector):
    """Selector of one loop. With `split` it adds idle time to it; with `pacer` it calls it at its times."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        super().__init__()
        self._now_ns = now_ns
        self.split: Stretches | None = None
        self.pacer: Pacer | None = None

    def select(self, timeout: float | None = None) -> Events:
        """Return the events that are ready, waiting at most `timeout` seconds, or less if arrivals were sent."""
        pacer = self.pacer
        if pacer is not None and (now_ns := self._now_ns()) >= pacer.due_ns:
            pacer.send(now_ns)
            return super().select(0)
        if timeout is not None and timeout <= 0:
            return super().select(0)
        start_ns = self._now_ns()
        events = (
            super().select(timeout) if pacer is None else self._until_due(pacer.due_ns, start_ns, timeout)
        )
        if self.split is not None:
            self.split.held[IDLE] += self._now_ns() - start_ns
        return events

    def _until_due(self, due_ns: int, now_ns: int, timeout: float | None) -> Events:
        left_ns = due_ns - now_ns - SPIN_NS
        timer_ns = NEVER_NS if timeout is None else now_ns + -int(-timeout * 1000 // 1) * NS_PER_MS
        if left_ns > 0 or timer_ns < due_ns - SPIN_NS:
            coarse_s = max(left_ns, 0) // NS_PER_MS / 1000
            return super().select(coarse_s if timeout is None else min(timeout, coarse_s))
        end_ns = min(due_ns, timer_ns)
        look, clock = super().select, self._now_ns
        while not (events := look(0)) and clock() < end_ns:
            pass
        return events
