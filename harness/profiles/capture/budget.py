"""The cost of sampling to the sampled process, and the rate that keeps it within a budget."""

import dataclasses

from harness.profiles.capture.stops import Looks
from harness.stats.proportion import clopper_pearson

BUDGET = 0.02
"""The default share of the time that sampling may cost the process."""
LEAST_RATE_HZ = 10
"""Minimum sampling rate: with fewer samples a profile tells nothing, so the budget is exceeded and reported so."""
_SLACK = 0.9
"""Fraction of the budget to aim for, because a cost measured again comes out a little different."""
LEAST_LOOKS = 100
"""Minimum number of looks before a cost changes the rate."""


@dataclasses.dataclass(frozen=True, slots=True)
class Overhead:
    """The share of the time that sampling cost the process, with its 95 % interval."""

    share: float
    low: float
    high: float

    def exceeds(self, budget: float) -> bool:
        """Return True if the whole interval of the cost is above the budget."""
        return self.low > budget


def overhead(looks: Looks, profiler_share: float | None, processors: int) -> Overhead | None:
    """Return the cost of sampling, from the share of looks that found the process held; None without a look.

    With one processor for both, all work of the profiler displaces the process. The cost is then the profiler's own
    share of the processor (`profiler_share`), where that is larger.
    """
    if looks.share is None:
        return None
    found = Overhead(looks.share, *clopper_pearson(looks.held, looks.looks))
    if processors == 1 and profiler_share is not None and profiler_share > found.share:
        return Overhead(profiler_share, profiler_share, max(profiler_share, found.high))
    return found


def rate_within(rate_hz: int, cost: Overhead | None, looks: int, budget: float) -> int:
    """Return the rate that keeps the budget if `rate_hz` costs more, else `rate_hz` itself."""
    if cost is None or looks < LEAST_LOOKS or not cost.exceeds(budget):
        return rate_hz
    return min(rate_hz, max(LEAST_RATE_HZ, int(rate_hz * _SLACK * budget / cost.share)))
