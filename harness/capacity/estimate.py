"""Estimate the capacity from the counts of all probes: the rate at which the first clause reaches its limit.

One fit over all probes is far narrower than certificates of single rates, and wider than the gap between the highest rate
that held and the lowest that broke, which holds the truth in one search of four. `tests/simulations/capacity.py` shows
how often the interval holds it.
"""

import dataclasses
from collections.abc import Sequence

from harness.capacity.seen import Seen, Sight
from harness.stats.crossing import Crossing, crossing


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """The capacity in calls per second with its interval (90 %); None where an end is unbounded.

    `scatter` is by how much more the counts vary than those of independent calls.
    """

    per_s: float
    low_per_s: float | None
    high_per_s: float | None
    scatter: float

    @property
    def ratio(self) -> float:
        """The high end over the low end; infinite without one."""
        if self.low_per_s is None or self.high_per_s is None:
            return float("inf")
        return self.high_per_s / self.low_per_s


def estimate(seen: Sequence[Seen]) -> Estimate | None:
    """Return the capacity from all valid probes; None unless some clause was below its limit, and also above it."""
    probes = [one for one in seen if one.is_valid]
    clauses = dict.fromkeys((count.clause, count.share) for one in probes for count in one.counts)
    found = [
        crossed
        for clause, share in clauses
        if (crossed := crossing([c.point for one in probes for c in one.counts if c.clause == clause], share))
    ]
    if not found:
        return None
    first = min(found, key=lambda one: one.level)
    lows, highs = ([getattr(one, end) for one in found] for end in ("low", "high"))
    return Estimate(
        per_s=first.level,
        low_per_s=_low(lows, first, probes),
        high_per_s=_high(highs, first, probes),
        scatter=first.scatter,
    )


def _low(lows: Sequence[float | None], first: Crossing, probes: Sequence[Seen]) -> float | None:
    """Return the lowest of the ends, or the highest rate below the estimate that was certified, if none broke below it."""
    broke = min((one.rate_per_s for one in probes if one.sight is Sight.BROKE), default=float("inf"))
    held = [
        one.rate_per_s
        for one in probes
        if one.sight is Sight.HELD and one.rate_per_s < min(broke, first.level)
    ]
    low = None if None in lows else min(end for end in lows if end is not None)
    return max((end for end in (low, *held) if end is not None), default=None)


def _high(highs: Sequence[float | None], first: Crossing, probes: Sequence[Seen]) -> float | None:
    """Return the lowest of the ends, or the lowest rate above the estimate that was broken."""
    broke = [one.rate_per_s for one in probes if one.sight is Sight.BROKE and one.rate_per_s > first.level]
    return min((end for end in (*highs, *broke) if end is not None), default=None)
