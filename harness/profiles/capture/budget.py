"""What sampling costs the sampled process, and the rate at which that stays within a budget."""

import dataclasses

from harness.profiles.capture.stops import Looks
from harness.stats.proportion import clopper_pearson

BUDGET = 0.02
"""The part of the time that sampling may cost the process, unless told otherwise."""
LEAST_RATE_HZ = 10
"""Fewer samples than that are no profile: then the budget is exceeded, and said to be."""
_SLACK = 0.9
"""Of the budget: a cost that was once measured comes out a little different the next time."""
LEAST_LOOKS = 100
"""Before that a cost is not acted upon."""


@dataclasses.dataclass(frozen=True, slots=True)
class Overhead:
    """The part of the time that sampling cost the process, with its 95 % interval."""

    share: float
    low: float
    high: float

    def exceeds(self, budget: float) -> bool:
        """Tell whether the cost is above the budget beyond doubt."""
        return self.low > budget


def overhead(looks: Looks, profiler_share: float | None, processors: int) -> Overhead | None:
    """Return what sampling cost: how often the process was found held; None if nobody looked.

    With one processor for both, whatever the profiler does displaces the process: then its own `profiler_share` of
    the processor is the cost, where that is more.
    """
    if looks.share is None:
        return None
    found = Overhead(looks.share, *clopper_pearson(looks.held, looks.looks))
    if processors == 1 and profiler_share is not None and profiler_share > found.share:
        return Overhead(profiler_share, profiler_share, max(profiler_share, found.high))
    return found


def rate_within(rate_hz: int, cost: Overhead | None, looks: int, budget: float) -> int:
    """Return the rate that keeps the budget, if the cost of `rate_hz` is beyond it; else `rate_hz` itself."""
    if cost is None or looks < LEAST_LOOKS or not cost.exceeds(budget):
        return rate_hz
    return min(rate_hz, max(LEAST_RATE_HZ, int(rate_hz * _SLACK * budget / cost.share)))
