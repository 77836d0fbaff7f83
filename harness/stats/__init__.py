"""Statistics of few, paired, non-normal numbers: signs, ranks, order statistics and exact tails. No file, no clock.

`sequential` holds the e-process of signs behind verdicts on benchmarks, `signed_rank` the test of a fixed number of pairs,
`sign` that of single looks, `order` the interval of a median, `binomial` exact tails, `holm` the correction for many
comparisons, `proportion` the certification of shares, `power` the minimum detectable effect, and `sample` the common
result, in which caveats are returned as warnings.
"""

from harness.stats.sample import Comparison, Sample, compare_exact

__all__ = ["Comparison", "Sample", "compare_exact"]
