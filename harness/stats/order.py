"""Compute the interval of a median from the order of the values alone."""

import dataclasses
import math
import statistics
from collections.abc import Sequence

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


def median_interval(values: Sequence[float], confidence: float = 0.95) -> MedianInterval:
    """Return the median of one or more `values`, and an interval with at least `confidence`."""
    ordered = sorted(values)
    center = statistics.median(ordered)
    k = rank(len(ordered), confidence)
    if k == 0:
        return MedianInterval(center, -math.inf, math.inf, 1.0)
    coverage = 1 - 2 * at_most(k - 1, len(ordered))
    return MedianInterval(center, ordered[k - 1], ordered[-k], coverage)
