"""Write HdrHistogram's percentile distribution as text, which its plotter and other tools read.

The format is that of `outputPercentileDistribution` (https://github.com/HdrHistogram/HdrHistogram): one line for
each step towards 100 %, five for every halving of the rest. Values are milliseconds, as usual there, but with six
decimals, to keep the ns of values below a millisecond.
"""

import math
from collections.abc import Iterator

import numpy as np

from harness.table.histogram import SUB_BUCKETS, Histogram, bucket_middle

_TICKS_PER_HALVING = 5
_NS_PER_MS = 1e6


def percentile_distribution(histogram: Histogram) -> str:
    """Return the text of one `.hgrm` file; without values it has only the head and the foot."""
    head = f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}\n"
    lines = [_line(*step) for step in _steps(histogram)]
    return "\n".join([head, *lines, *_foot(histogram)]) + "\n"


def _line(value_ns: int, share: float, total: int) -> str:
    line = f"{value_ns / _NS_PER_MS:12.6f} {share:2.12f} {total:10d}"
    return line if share >= 1 else f"{line} {1 / (1 - share):14.2f}"


def _steps(histogram: Histogram) -> Iterator[tuple[int, float, int]]:
    """Yield (value, share of all, values up to it) until all are counted, and the maximum at a share of one."""
    if not histogram.count:
        return
    below = np.cumsum(histogram.counts)
    share = 0.0
    while True:
        rank = max(math.ceil(share * histogram.count - 1e-9), 1)
        total = int(below[int(np.searchsorted(below, rank))])
        if total == histogram.count:
            break
        yield histogram.percentile(share) or histogram.low, share, total
        halvings = math.floor(math.log2(1 / (1 - share))) + 1
        share += 1 / (_TICKS_PER_HALVING * 2**halvings)
    yield histogram.high, 1.0, histogram.count


def _foot(histogram: Histogram) -> list[str]:
    mean_ns = histogram.mean or 0.0
    middle = bucket_middle(histogram.buckets).astype(np.float64)
    variance = float((histogram.counts * (middle - mean_ns) ** 2).sum()) / max(histogram.count, 1)
    octaves = int(histogram.buckets[-1]) // SUB_BUCKETS if histogram.count else 1
    mean, deviation, high = (
        value / _NS_PER_MS for value in (mean_ns, math.sqrt(variance), float(histogram.high))
    )
    return [
        f"#[Mean    = {mean:12.6f}, StdDeviation   = {deviation:12.6f}]",
        f"#[Max     = {high:12.6f}, Total count    = {histogram.count:12d}]",
        f"#[Buckets = {max(octaves, 1):12d}, SubBuckets     = {2 * SUB_BUCKETS:12d}]",
    ]
