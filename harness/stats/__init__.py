"""Statistics of few, paired, ill-behaved numbers: signs, order statistics and exact tails. No file, no clock.

`binomial` holds exact tails, `sign` the test that every verdict rests on, `order` the interval of a median, `holm`
the correction for many comparisons, `proportion` what counts can certify, `power` what a session can find, and
`sample` the one entry for callers: they state what they assume, the package picks the test, and what must be known
to read the answer travels with it as warnings.
"""

from harness.stats.sample import Assumption, Comparison, Sample, compare, compare_paired

__all__ = ["Assumption", "Comparison", "Sample", "compare", "compare_paired"]
