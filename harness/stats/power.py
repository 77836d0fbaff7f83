"""Compute the minimum detectable effect of a number of blocks, and the number of blocks for an effect.

The blocks' changes are modelled as normal around the true change with standard deviation `spread`. Only these
forecasts make that assumption; the test itself does not.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from functools import lru_cache

from harness.stats.binomial import at_least, critical
from harness.stats.order import rank

POWER = 0.8
MOST_BLOCKS = 1000
_NORMAL = statistics.NormalDist()
_MAD_TO_SIGMA = 1.4826


def spread_of(values: Sequence[float]) -> float | None:
    """Return a robust standard deviation of `values`; None for fewer than two.

    1.4826 times the median absolute deviation, which is insensitive to a few outlying blocks; where more than half
    of the values are equal, the plain standard deviation.
    """
    if len(values) < 2:
        return None
    middle = statistics.median(values)
    deviation = statistics.median(abs(value - middle) for value in values)
    return _MAD_TO_SIGMA * deviation or statistics.stdev(values)


def chance_to_find(effect: float, blocks: int, spread: float, alpha: float, margin: float) -> float:
    """Return the probability that the sign test has p <= `alpha` and the median of the blocks is at least `margin`.

    Exact for normal noise: with a blocks above the margin and b between zero and margin, both hold when a + b
    reaches the critical number and a is at least half of the blocks (an even split decides half the time).
    """
    needed = critical(blocks, alpha)
    if needed is None:
        return 0.0
    above_margin, above_zero = (_share_above(limit, effect, spread) for limit in (margin, 0.0))
    if above_margin >= 1:
        return 1.0
    between = (above_zero - above_margin) / (1 - above_margin)
    return math.fsum(
        _exactly(above, blocks, above_margin)
        * at_least(needed - above, blocks - above, between)
        * (0.5 if 2 * above == blocks else 1.0)
        for above in range((blocks + 1) // 2, blocks + 1)
    )


def detectable(blocks: int, spread: float, alpha: float, margin: float) -> float | None:
    """Return the minimum detectable effect (80 % power), to a thousandth of the spread; None if none is detectable."""
    if critical(blocks, alpha) is None:
        return None
    if spread <= margin * 1e-4:
        return margin
    return margin + spread * _excess_in_sigma(blocks, alpha, float(f"{margin / spread:.3g}"))


@lru_cache(maxsize=4096)
def _excess_in_sigma(blocks: int, alpha: float, margin: float) -> float:
    """Return the distance of the detectable effect above `margin`, both in multiples of the spread."""
    low, high = 0.0, 6.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        found = chance_to_find(margin + middle, blocks, 1.0, alpha, margin) >= POWER
        low, high = (low, middle) if found else (middle, high)
    return high


def blocks_to_confirm(effect: float, spread: float, alpha: float, margin: float) -> int | None:
    """Return the number of blocks that confirm `effect` with 80 % power; None above a thousand.

    Requires each of both conditions with 90 % probability (Bonferroni's bound), so it may be a few too many.
    """
    if effect <= margin:
        return None

    def enough(blocks: int) -> bool:
        needed = critical(blocks, alpha)
        if needed is None:
            return False
        significant = at_least(needed, blocks, _share_above(0.0, effect, spread))
        large = at_least(blocks // 2 + 1, blocks, _share_above(margin, effect, spread))
        return min(significant, large) >= (1 + POWER) / 2

    return _fewest(enough)


def blocks_to_clear(effect: float, spread: float, margin: float, confidence: float = 0.95) -> int | None:
    """Return the number of blocks that bring the interval's upper end below `margin` with 80 % power; None as above."""
    if effect >= margin:
        return None

    def enough(blocks: int) -> bool:
        k = rank(blocks, confidence)
        below = 1 - _share_above(margin, effect, spread)
        return k > 0 and at_least(blocks + 1 - k, blocks, below) >= POWER

    return _fewest(enough)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    # Steps of about 3 %: exact enough for a forecast, and tails of a thousand blocks take time.
    blocks = 1
    while blocks <= MOST_BLOCKS:
        if enough(blocks):
            return blocks
        blocks += 1 + blocks // 32
    return None


def _share_above(limit: float, effect: float, spread: float) -> float:
    if spread <= 0:
        return float(effect > limit)
    return _NORMAL.cdf((effect - limit) / spread)


def _exactly(successes: int, trials: int, chance: float) -> float:
    return math.comb(trials, successes) * chance**successes * (1 - chance) ** (trials - successes)
