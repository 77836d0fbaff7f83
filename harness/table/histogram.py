"""Log-linear histograms of nanoseconds: at most 0.4 % error, exact extremes and sum, merged bit for bit.

Each value below 256 has its own bucket; above, each power of two is divided into 128 buckets, as in
HdrHistogram (http://hdrhistogram.org). Percentiles are nearest-rank over bucket middles, never outside
the exact minimum and maximum.
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt

from harness.stats.order import quantile_ranks

Integers = npt.NDArray[np.int64]

_SUB_BUCKET_BITS = 7
SUB_BUCKETS = 1 << _SUB_BUCKET_BITS
BEYOND = 10
"""Number of values that must lie beyond a percentile above the median before it is shown."""
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


def bucket_of(values: Integers) -> Integers:
    """Return the bucket index of each value; values are at least 0 and below 2**53."""
    # frexp gives the bit length: v = m * 2**e with 0.5 <= m < 1, exact below 2**53.
    bit_length = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    shift = np.maximum(bit_length - _SUB_BUCKET_BITS - 1, 0)
    buckets: Integers = (shift << _SUB_BUCKET_BITS) + (values >> shift)
    return buckets


def bucket_low(buckets: Integers) -> Integers:
    """Return the smallest value of each bucket."""
    shift = np.maximum((buckets >> _SUB_BUCKET_BITS) - 1, 0)
    low: Integers = (buckets - (shift << _SUB_BUCKET_BITS)) << shift
    return low


def bucket_middle(buckets: Integers) -> Integers:
    """Return the middle value of each bucket, rounded down."""
    low = bucket_low(buckets)
    return (low + bucket_low(buckets + 1) - 1) // 2


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts by bucket, sorted by bucket, with exact `count`, `total`, `low` and `high` of the values."""

    buckets: Integers
    counts: Integers
    count: int
    total: int
    low: int
    high: int

    @classmethod
    def empty(cls) -> Self:
        """Return an empty histogram."""
        none = np.zeros(0, np.int64)
        return cls(none, none, 0, 0, 0, 0)

    @classmethod
    def of(cls, values: Integers) -> Self:
        """Return the histogram of `values` in ns; a negative value is a `ValueError`."""
        values = np.asarray(values, np.int64)
        if not values.size:
            return cls.empty()
        low = int(values.min())
        if low < 0:
            raise ValueError(f"a histogram holds no negative value, got {low}")
        # Counted by index, not sorted: bucket indices are below 6,000, so this is five times as fast as `unique`.
        by_bucket = np.bincount(bucket_of(values))
        buckets = np.flatnonzero(by_bucket).astype(np.int64)
        counts = by_bucket[buckets].astype(np.int64)
        return cls(buckets, counts, int(values.size), int(values.sum()), low, int(values.max()))

    @classmethod
    def merge(cls, parts: Iterable["Histogram"]) -> Self:
        """Return the histogram of all values of `parts`: equal to `of` for the values together."""
        full = [part for part in parts if part.count]
        if not full:
            return cls.empty()
        buckets, place = np.unique(np.concatenate([part.buckets for part in full]), return_inverse=True)
        counts = np.zeros(buckets.size, np.int64)
        np.add.at(counts, place, np.concatenate([part.counts for part in full]))
        return cls(
            buckets,
            counts,
            sum(part.count for part in full),
            sum(part.total for part in full),
            min(part.low for part in full),
            max(part.high for part in full),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        mine = (self.count, self.total, self.low, self.high)
        return (
            mine == (other.count, other.total, other.low, other.high)
            and np.array_equal(self.buckets, other.buckets)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def mean(self) -> float | None:
        """Exact mean in ns, or None without values."""
        return self.total / self.count if self.count else None

    def percentile(self, share: float) -> int | None:
        """Return the value that a `share` of all values does not exceed (nearest rank), or None without values."""
        if not self.count:
            return None
        # The tolerance compensates the rounding of share * count: 0.999 * 1000 must be rank 999.
        rank = max(math.ceil(share * self.count - 1e-9), 1)
        place = int(np.searchsorted(np.cumsum(self.counts), rank))
        if rank == self.count:
            return self.high
        middle = int(bucket_middle(self.buckets[place : place + 1])[0])
        return min(max(middle, self.low), self.high)

    def supported_percentile(self, share: float) -> int | None:
        """Return the percentile, or None for fewer than `least_count` values."""
        return self.percentile(share) if self.count >= least_count(share) else None

    def percentile_interval(self, share: float) -> tuple[int, int] | None:
        """Return the values that hold the true percentile with 95 % confidence; None where the values do not bound it."""
        ranks = quantile_ranks(self.count, share)
        if ranks is None:
            return None
        low, high = (self.percentile(rank / self.count) for rank in ranks)
        return (low, high) if low is not None and high is not None else None


def least_count(share: float) -> int:
    """Return the fewest values for a percentile: ten must lie beyond one above the median, so 1,000 for p99.

    From 100 values, what is called p99 may be anything from p94.6 to p99.8.
    """
    return round((BEYOND if share > 0.5 else 1) / (1 - share))
