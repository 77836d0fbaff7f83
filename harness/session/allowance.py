"""The time that a session may take: what is left of its budget, at the pace at which its blocks are made.

A block takes as long whichever of its sides is called base. So a phase that ends because its time is over ends without
regard to what it found, and its verdict is as good as that of a phase planned so short.
"""

import math
import time
from collections.abc import Callable

from harness.errors import UsageError
from harness.units import format_duration, format_s

END_S = 2.0
"""To end the processes, judge, and write the report."""
MOST_LOOKING = 0.5
"""Of what is left, for looking at the suite: with less, no session of the same benchmarks fits into it."""
RESERVE = 1.25
"""What is named for the next time may take so much longer then."""
LEAST_BLOCKS = 16
"""About what the shortest session takes, for a budget that is named before all benchmarks are known."""


class Allowance:
    """What is left of a budget that began when this was made; without a budget, there is always more."""

    def __init__(self, budget_s: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget_s = budget_s
        self._clock = clock
        self._began_s = clock()
        self._planned_s = self._took_s = self._aside_s = 0.0

    @property
    def spent_s(self) -> float:
        """What has passed of it."""
        return self._clock() - self._began_s

    @property
    def left_s(self) -> float:
        """What may still be measured for, without what is set aside and what the end takes; infinite without a budget."""
        if self.budget_s is None:
            return math.inf
        return max(0.0, self.budget_s - self._aside_s - END_S - self.spent_s)

    @property
    def pace(self) -> float:
        """How many times as long blocks take as was planned; never below one."""
        return max(1.0, self._took_s / self._planned_s) if self._planned_s else 1.0

    def set_aside(self, seconds: float) -> None:
        """Keep so much for what comes later, instead of what was kept before."""
        self._aside_s = seconds

    def begin_suite(self) -> None:
        """Give the next suite all that is left, and let it find its own pace."""
        self._planned_s = self._took_s = self._aside_s = 0.0

    def took(self, planned_s: float, seconds: float) -> None:
        """Learn from a block how good the plan is."""
        self._planned_s += planned_s
        self._took_s += seconds

    def has_room_for(self, blocks: int, block_s: float, later_s: float = 0.0) -> bool:
        """Return True if so many blocks of `block_s` fit, and what takes `later_s` after them."""
        return self.pace * (blocks * block_s + later_s) <= self.left_s

    def room_for(self, block_s: float, later_s: float = 0.0) -> int:
        """Return how many blocks of `block_s` fit before what takes `later_s`. Needs a budget."""
        return max(0, int((self.left_s / self.pace - later_s) / max(block_s, 1e-9)))

    def needed_s(self, blocks: int, block_s: float, later_s: float) -> int:
        """Return the budget in which so many blocks more, and what takes `later_s`, would have fitted with a reserve."""
        measuring_s = RESERVE * self.pace * (blocks * block_s + later_s)
        return math.ceil(self.spent_s + self._aside_s + END_S + measuring_s)

    def look(self) -> Callable[[int, int], None]:
        """Begin to look at a suite: return what is to be told how many of how many benchmarks were run.

        It raises `UsageError` once that has used up what a session needs of what was left.
        """
        began_s, left_s = self.spent_s, self.left_s

        def looked_at(done: int, count: int) -> None:
            took_s = self.spent_s - began_s
            if self.budget_s is None or not done or took_s <= MOST_LOOKING * left_s:
                return
            needed_s = math.ceil(began_s + 2 * LEAST_BLOCKS * took_s * count / done)
            raise UsageError(
                f"The budget of {format_duration(self.budget_s)} is too short for this suite: to look at {done} of its "
                f"{count} benchmarks on one side took {format_s(took_s)}",
                remedy=f"Give it a budget of at least {format_duration(needed_s)}, or fewer benchmarks",
            )

        return looked_at
