"""Compute the interval of a median or a percentile from the order of the values alone."""

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence

from harness.stats.binomial import at_most, critical


@dataclasses.dataclass(frozen=True, slots=True)
class MedianInterval:
    """A median and the values that bound it. Unbounded, with coverage 1, where the values are too few."""

    center: float
    low: float
    high: float
    coverage: float
    """Actual coverage of the interval, at least the requested confidence."""

    @property
    def bounded(self) -> bool:
        """False where there are too few values for an interval of the requested confidence."""
        return math.isfinite(self.low)


def rank(count: int, confidence: float) -> int:
    """Return k such that the k-th smallest and the k-th largest of `count` values contain the median; 0 if none do.

    Their coverage is 1 - 2 P(X <= k - 1) for X of Binomial(count, 1/2) (David and Nagaraja, Order Statistics, 7.1).
    """
    heads = critical(count, (1 - confidence) / 2)
    return 0 if heads is None else count + 1 - heads


def fewest(confidence: float) -> int:
    """Return the number of values for which the smallest and the largest contain the median with `confidence`."""
    return next(count for count in range(1, 1000) if rank(count, confidence))


def quantile_ranks(count: int, share: float, confidence: float = 0.95) -> tuple[int, int] | None:
    """Return the ranks (from 1) of the values that hold the quantile of independent values; None if none do.

    The number of values up to the quantile is Binomial(count, share) (David and Nagaraja, Order Statistics, 7.1).
    """
    alpha = (1 - confidence) / 2
    if count < 1 or at_most(0, count, share) > alpha or at_most(count - 1, count, share) < 1 - alpha:
        return None
    low = _first(lambda rank: at_most(rank - 1, count, share) > alpha, count) - 1
    return low, _first(lambda rank: at_most(rank - 1, count, share) >= 1 - alpha, count)


def _first(holds: Callable[[int], bool], most: int) -> int:
    """Return the first number from 1 on at which `holds` turns true; it must hold at `most`."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def median_interval(values: Sequence[float], confidence: float = 0.95) -> MedianInterval:
    """Return the median of one or more `values`, and an interval with at least `confidence`."""
    ordered = sorted(values)
    center = statistics.median(ordered)
    k = rank(len(ordered), confidence)
    if k == 0:
        return MedianInterval(center, -math.inf, math.inf, 1.0)
    coverage = 1 - 2 * at_most(k - 1, len(ordered))
    return MedianInterval(center, ordered[k - 1], ordered[-k], coverage)
