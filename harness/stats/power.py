"""Compute the minimum detectable effect of a session, and the number of blocks for an effect.

The blocks' changes are modelled as normal around the true change with standard deviation `spread`. Only these
forecasts make that assumption; the tests themselves do not.
"""

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np

from harness.stats.binomial import at_least
from harness.stats.sequential import END_ALPHA, fewest_signs

POWER = 0.8
MOST_BLOCKS = 1000
SPREAD_BIAS = 1.1
"""Factor on a spread from a dozen blocks, which reads 7 to 10 % low."""
_NORMAL = statistics.NormalDist()
_MAD_TO_SIGMA = 1.4826
_MOST_FOLLOWED = 150
"""Number of blocks up to which all courses of a session are followed; above it a lower bound stands for them."""


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


class Design(Protocol):
    """The confirming blocks of a session: how many there are, and what they must show."""

    def chance_to_find(self, effect: float, spread: float, margin: float) -> float:
        """Return the probability of confirming `effect` as a change of at least `margin`."""

    def __hash__(self) -> int:
        """Return the same for equal designs."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sequential:
    """At most `blocks` blocks, until their e-process reaches 1/`alpha` and their median the margin."""

    blocks: int
    alpha: float

    def chance_to_find(self, effect: float, spread: float, margin: float) -> float:
        """Return the probability for normal noise, summed over all courses of a session."""
        if self.blocks > _MOST_FOLLOWED:
            return _chance_at_the_end(self.blocks, effect, spread, self.alpha, margin)
        above_margin, above_zero = (_share_above(limit, effect, spread) for limit in (margin, 0.0))
        return _chance_to_stop(self.blocks, self.alpha, round(above_margin, 6), round(above_zero, 6))


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    """Exactly `blocks` blocks, judged by the signed-rank test at `alpha` and by their pseudomedian."""

    blocks: int
    alpha: float

    def chance_to_find(self, effect: float, spread: float, margin: float) -> float:
        """Return a lower bound of the probability: normal approximations of both conditions (Bonferroni)."""
        count = self.blocks
        if count < 1 or 0.5**count > self.alpha:
            return 0.0
        if spread <= 0:
            return float(effect > 0 and effect >= margin)
        # Of normal noise the pseudomedian has the variance pi / 3 of a mean's.
        large = _NORMAL.cdf((effect - margin) / (spread * math.sqrt(math.pi / 3 / count)))
        return max(0.0, self._significant(effect / spread) + large - 1)

    def _significant(self, shift: float) -> float:
        """Return the power of the test for a shift in multiples of the spread (Hollander and Wolfe, 3.1)."""
        count = self.blocks
        pairs = count * (count - 1) / 2
        above, mean_above = _NORMAL.cdf(shift), _NORMAL.cdf(shift * math.sqrt(2))
        both = _mean_square_of_tail(shift)
        expected = count * above + pairs * mean_above
        variance = (
            count * above * (1 - above)
            + pairs * (2 * (above - mean_above) ** 2 + 3 * mean_above * (1 - mean_above))
            + 2 * pairs * (count - 2) * max(0.0, both - mean_above**2)
        )
        null_mean = count * (count + 1) / 4
        null_sd = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        critical = min(
            null_mean + _NORMAL.inv_cdf(1 - self.alpha) * null_sd + 0.5, count * (count + 1) / 2 - 0.5
        )
        if variance <= 1e-12:
            return float(expected > critical)
        return _NORMAL.cdf((expected - critical) / math.sqrt(variance))


def detectable(design: Design, spread: float, margin: float) -> float | None:
    """Return the minimum detectable effect (80 % power), to a twentieth; None if none is detectable."""
    if design.chance_to_find(1e6, 1.0, 0.0) < POWER:
        return None
    if spread <= margin * 1e-4:
        return margin
    return margin + spread * _excess_in_sigma(design, float(f"{margin / spread:.2g}"))


@lru_cache(maxsize=4096)
def _excess_in_sigma(design: Design, margin: float) -> float:
    """Return the distance of the detectable effect above `margin`, both in multiples of the spread."""
    low, high = 0.0, 6.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        found = design.chance_to_find(margin + middle, 1.0, margin) >= POWER
        low, high = (low, middle) if found else (middle, high)
    return high


def blocks_to_confirm(effect: float, spread: float, alpha: float, margin: float) -> int | None:
    """Return the number of blocks that confirm `effect` with 80 % power; None above a thousand.

    A session may stop before them, so it may be a few too many.
    """
    if effect <= margin:
        return None
    return _fewest(lambda blocks: _chance_at_the_end(blocks, effect, spread, alpha, margin) >= POWER)


def blocks_to_clear(effect: float, spread: float, margin: float) -> int | None:
    """Return the number of blocks that bring the interval's upper end below `margin` with 80 % power; None as above."""
    if effect >= margin:
        return None
    below = 1 - _share_above(margin, effect, spread)

    def enough(blocks: int) -> bool:
        needed = fewest_signs(blocks, 1 / END_ALPHA)
        return needed is not None and at_least(needed, blocks, below) >= POWER

    return _fewest(enough)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    # Steps of about 3 %: exact enough for a forecast, and tails of a thousand blocks take time.
    blocks = 1
    while blocks <= MOST_BLOCKS:
        if enough(blocks):
            return blocks
        blocks += 1 + blocks // 32
    return None


def _chance_at_the_end(blocks: int, effect: float, spread: float, alpha: float, margin: float) -> float:
    """Return a lower bound of the chance that all blocks together show the effect (Bonferroni)."""
    needed = fewest_signs(blocks, 1 / alpha)
    if needed is None:
        return 0.0
    significant = at_least(needed, blocks, _share_above(0.0, effect, spread))
    large = at_least(blocks // 2 + 1, blocks, _share_above(margin, effect, spread))
    return max(0.0, significant + large - 1)


@lru_cache(maxsize=16_384)
def _chance_to_stop(blocks: int, alpha: float, above_margin: float, above_zero: float) -> float:
    """Return the chance that at some number of blocks the e-process reaches 1/`alpha` and half lie above the margin.

    A state is (blocks above zero, blocks above the margin). An even split at the margin counts for half.
    """
    stopped = 0.0
    going = np.zeros((blocks + 1, blocks + 1))
    going[0, 0] = 1.0
    large = np.arange(blocks + 1)
    for count in range(1, blocks + 1):
        following = (1 - above_zero) * going
        following[1:] += (above_zero - above_margin) * going[:-1]
        following[1:, 1:] += above_margin * going[:-1, :-1]
        needed = fewest_signs(count, 1 / alpha)
        if needed is not None:
            stopping = following[needed:] * (0.5 * (2 * large == count) + (2 * large > count))
            stopped += float(stopping.sum())
            following[needed:] -= stopping
        going = following
    return stopped


@lru_cache(maxsize=4096)
def _mean_square_of_tail(shift: float) -> float:
    """Return P(D1 + D2 > 0 and D1 + D3 > 0) for independent normal D around `shift` with deviation 1."""
    steps = 400
    width = 16 / steps
    points = (-8 + width * (place + 0.5) for place in range(steps))
    return sum(_NORMAL.pdf(point) * _NORMAL.cdf(point + 2 * shift) ** 2 * width for point in points)


def _share_above(limit: float, effect: float, spread: float) -> float:
    if spread <= 0:
        return float(effect > limit)
    return _NORMAL.cdf((effect - limit) / spread)
