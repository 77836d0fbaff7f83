"""Track the time that a session may take: the rest of its budget, at the actual pace of its blocks.

A block takes equally long whichever of its sides is called base. So a phase that ends because its time is over ends
independently of its data, and its verdict is as good as that of a phase planned so short.
"""

import math
import time
from collections.abc import Callable

from harness.errors import UsageError
from harness.units import format_duration, format_s

END_S = 2.0
"""Time to end the processes, judge, and write the report, in seconds."""
MOST_LOOKING = 0.5
"""Largest share of the remaining time for surveying the suite: above it, no session of the same benchmarks fits."""
RESERVE = 1.25
"""Factor on the budget that a message recommends: the next session may be slower by that much."""
LEAST_BLOCKS = 16
"""Approximate size of the shortest session, for a recommended budget before all benchmarks are known."""


class Allowance:
    """The rest of a budget that begins when this object is made; unlimited without a budget."""

    def __init__(self, budget_s: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget_s = budget_s
        self._clock = clock
        self._began_s = clock()
        self._planned_s = self._took_s = self._aside_s = 0.0

    @property
    def spent_s(self) -> float:
        """The elapsed part of the budget, in seconds."""
        return self._clock() - self._began_s

    @property
    def left_s(self) -> float:
        """The time left for measuring, without reserved time and the time to end; infinite without a budget."""
        if self.budget_s is None:
            return math.inf
        return max(0.0, self.budget_s - self._aside_s - END_S - self.spent_s)

    @property
    def pace(self) -> float:
        """Ratio of actual to planned block time; at least 1."""
        return max(1.0, self._took_s / self._planned_s) if self._planned_s else 1.0

    def set_aside(self, seconds: float) -> None:
        """Reserve `seconds` for later work; replaces the earlier reserve."""
        self._aside_s = seconds

    def begin_suite(self) -> None:
        """Give the next suite all remaining time, and reset the pace."""
        self._planned_s = self._took_s = self._aside_s = 0.0

    def took(self, planned_s: float, seconds: float) -> None:
        """Update the pace from one block."""
        self._planned_s += planned_s
        self._took_s += seconds

    def has_room_for(self, blocks: int, block_s: float, later_s: float = 0.0) -> bool:
        """Return True if `blocks` of `block_s` fit, followed by `later_s` of other work."""
        return self.pace * (blocks * block_s + later_s) <= self.left_s

    def room_for(self, block_s: float, later_s: float = 0.0) -> int:
        """Return the number of blocks of `block_s` that fit before `later_s` of other work. Needs a budget."""
        return max(0, int((self.left_s / self.pace - later_s) / max(block_s, 1e-9)))

    def needed_s(self, blocks: int, block_s: float, later_s: float) -> int:
        """Return the budget, in seconds, that would have held `blocks` more and `later_s` of other work, with a reserve."""
        measuring_s = RESERVE * self.pace * (blocks * block_s + later_s)
        return math.ceil(self.spent_s + self._aside_s + END_S + measuring_s)

    def look(self) -> Callable[[int, int], None]:
        """Begin to survey a suite: return a callback for the number of benchmarks run, and of all.

        The callback raises `UsageError` once the survey has used the time that a session needs of the rest.
        """
        began_s, left_s = self.spent_s, self.left_s

        def looked_at(done: int, count: int) -> None:
            took_s = self.spent_s - began_s
            if self.budget_s is None or not done or took_s <= MOST_LOOKING * left_s:
                return
            needed_s = math.ceil(began_s + 2 * LEAST_BLOCKS * took_s * count / done)
            raise UsageError(
                f"The budget of {format_duration(self.budget_s)} is too short for this suite: running {done} of its {count} "
                f"benchmarks once on one side took {format_s(took_s)}",
                remedy=f"Give it a budget of at least {format_duration(needed_s)}, or fewer benchmarks",
            )

        return looked_at
