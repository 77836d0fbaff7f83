"""Statistics of few, paired, non-normal numbers: signs, order statistics and exact tails. No file, no clock.

`binomial` holds exact tails, `sequential` the e-process of signs behind verdicts on benchmarks, `signed_rank` the test of
a fixed number of pairs, `sign` that of calibration's reference methods, `order` the interval of a median, `holm` the
correction for many comparisons, `proportion` the certification of shares, `power` the minimum detectable effect, and
`sample` the common entry point: callers state their assumption, the package selects the test, and caveats are returned
with the result as warnings.
"""

from harness.stats.sample import Assumption, Comparison, Sample, compare, compare_paired

__all__ = ["Assumption", "Comparison", "Sample", "compare", "compare_paired"]
