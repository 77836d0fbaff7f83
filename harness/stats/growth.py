"""Bound the growth of a sampled quantity, such as memory, whose samples depend on one another.

The samples of a window are reduced to the least value of each of ten equal blocks of time: the lower envelope, which a
sawtooth leaves flat. The slope is that of least squares through the ten minima. Its interval comes from the nine steps
between them, as if every step stayed for good (a random walk with drift). So it holds for memory that moves in lasting
steps, whose minima are far from independent; noise around a level makes neighbouring steps cancel, and the interval is then
wider than it need be. `tests/simulations/growth.py` shows how often it is wrong.
"""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Sequence

from harness.stats.student import student_quantile

BLOCKS = 10
"""Equal blocks of time of a window; each needs a sample."""
CONFIDENCE = 0.98
"""Confidence of the two-sided interval: each of its ends is wrong in 1 % at most."""
_HALF = BLOCKS // 2
# A slope that falls below this share of what it was belongs to something that fills or warms up.
_GOES_ON = 0.6
# Neighbouring steps of noise around a level cancel: their correlation is -0.5. Of lasting steps it is 0.
_CANCELS = -0.25
# Each minimum of a random walk holds part of the next step: the steps between minima are correlated by 0.25 (Working 1960),
# which makes the variance of their sum 1.5 times that of independent ones.
_LASTING = math.sqrt(1.5)
# Weight of each step between neighbouring minima in the slope of least squares.
_WEIGHTS = tuple(place * (BLOCKS - place) / ((BLOCKS**3 - BLOCKS) / 6) for place in range(1, BLOCKS))


@dataclasses.dataclass(frozen=True, slots=True)
class Slope:
    """The growth per second in a window, with its interval at `CONFIDENCE`.

    `first` and `second` are the slopes of its halves; `narrows` is the power of its length by which the interval narrows.
    """

    per_s: float
    low: float
    high: float
    first: float
    second: float
    narrows: float

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2

    @property
    def slows(self) -> bool:
        """True if the growth of the second half is clearly less than that of the first: a cache fills, or a program warms up."""
        return self.first > 0 and self.second < _GOES_ON * self.first


def slope(
    times_s: Sequence[float], values: Sequence[float], start_s: float, end_s: float, least: float
) -> Slope | None:
    """Return the slope from `start_s` to `end_s`; None if a block of the window has no sample.

    The interval is never narrower than one step of `least`, the resolution of the values, at each end of the window.
    """
    minima = envelope(times_s, values, start_s, end_s)
    if minima is None:
        return None
    block_s = (end_s - start_s) / BLOCKS
    steps = [after - before for before, after in itertools.pairwise(minima)]
    per_s = sum(map(float.__mul__, _WEIGHTS, steps)) / block_s
    error = statistics.stdev(steps) * math.hypot(*_WEIGHTS) / block_s
    cancels = error == 0 or _neighbours(steps) < _CANCELS
    error *= 1.0 if cancels else _LASTING
    reach = student_quantile(CONFIDENCE, BLOCKS - 2) * error + least / (end_s - start_s)
    return Slope(
        per_s=per_s,
        low=per_s - reach,
        high=per_s + reach,
        first=_line(minima[:_HALF]) / block_s,
        second=_line(minima[_HALF:]) / block_s,
        narrows=1.0 if cancels else 0.5,
    )


def envelope(
    times_s: Sequence[float], values: Sequence[float], start_s: float, end_s: float
) -> list[float] | None:
    """Return the least value of each block of the window; None if a block has no sample."""
    minima = [math.inf] * BLOCKS
    for time_s, value in zip(times_s, values, strict=True):
        if start_s <= time_s <= end_s:
            block = min(int((time_s - start_s) / (end_s - start_s) * BLOCKS), BLOCKS - 1)
            minima[block] = min(minima[block], float(value))
    return None if math.inf in minima else minima


def _line(values: Sequence[float]) -> float:
    """Return the slope of least squares per place."""
    middle = (len(values) - 1) / 2
    return sum((place - middle) * value for place, value in enumerate(values)) / sum(
        (place - middle) ** 2 for place in range(len(values))
    )


def _neighbours(steps: Sequence[float]) -> float:
    """Return the correlation of neighbouring steps, which differ."""
    mean = statistics.fmean(steps)
    apart = [step - mean for step in steps]
    total = sum(one * one for one in apart)
    return sum(one * other for one, other in itertools.pairwise(apart)) / total
