"""Turn a histogram into the line of its tail."""

import numpy as np

from harness.table.histogram import Histogram, bucket_middle
from reports.charts.data import Series

_POINTS = 160


def percentile_series(label: str, run: int, histogram: Histogram, *, dashed: bool = False) -> Series:
    """Return latency by 1 / (1 - share); the last point is the slowest call, where the share is 1 - 1 / count."""
    x = np.geomspace(1, max(histogram.count, 1), _POINTS)
    ranks = np.ceil((1 - 1 / x) * histogram.count - 1e-9).clip(1)
    middle = bucket_middle(histogram.buckets)[np.searchsorted(np.cumsum(histogram.counts), ranks)]
    y = middle.clip(histogram.low, histogram.high).astype(float)
    y[-1] = histogram.high
    return Series(label, run, x, y, dashed)
