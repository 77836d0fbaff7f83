"""Estimate the effect of one session from its first blocks.

A session ends by its evidence, and a mean over all of its blocks is then too low: it ends sooner where the blocks happen to
show little. Over a chain of steps such a bias adds up. The first blocks, of which there is the same number in every session, are free
of it.

Their location is that of Hodges and Lehmann, the median of the means of all pairs: as sure as a mean where noise is normal (a
standard error of 1.06 in place of 1), and hardly moved by a disturbed block.
"""

import itertools
import statistics
from collections.abc import Sequence

ERROR = 1.06
"""Standard error of the location of eight normal values, in those of a mean; of many it is 1.02 (the root of pi / 3)."""
_CLIP = 5.0
_MAD_TO_SIGMA = 1.4826


def location(values: Sequence[float]) -> float:
    """Return the location of one or more values."""
    return statistics.median(
        (one + other) / 2 for one, other in itertools.combinations_with_replacement(values, 2)
    )


def spread(values: Sequence[float]) -> float:
    """Return the standard deviation of the values, of which none counts as more than five robust deviations from the median."""
    if len(values) < 2:
        return 0.0
    middle = statistics.median(values)
    reach = _CLIP * _MAD_TO_SIGMA * statistics.median(abs(value - middle) for value in values)
    if not reach:
        return statistics.stdev(values)
    return statistics.stdev(min(max(value, middle - reach), middle + reach) for value in values)
