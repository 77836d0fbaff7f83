"""Find where a share that grows with a level crosses a limit: a logistic fit through over-dispersed counts.

The share at level x is modelled by logit(share) = logit(limit) + slope (log x - log crossing), with a slope of at least
zero. The interval of the crossing is that of its profile likelihood (the slope is whatever fits best), so it is right
also where no finite slope is: from counts that jump from none to all it spans the gap between them.
"""

import dataclasses
import math
from collections.abc import Sequence

from harness.stats.student import student_quantile

CONFIDENCE = 0.9
# The model is local: what lies farther from the limit than this factor of odds says only on which side it is.
_LOCAL = math.log(8)
_SLOPES = [0.25 * 1.25**power for power in range(45)]
_STEPS = 160
_REACH = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """The share of trials that was seen at a level, worth `trials` independent ones."""

    level: float
    share: float
    trials: float


@dataclasses.dataclass(frozen=True, slots=True)
class Crossing:
    """The level at which the share crosses the limit, and its interval with `CONFIDENCE`; None where it is unbounded.

    `dispersion` is by how much the points scatter more about the curve than their trials let expect, at least 1.
    """

    level: float
    low: float | None
    high: float | None
    dispersion: float


def crossing(points: Sequence[Point], limit: float) -> Crossing | None:
    """Return where the share crosses `limit`; None unless some points lie below it and some at or above it."""
    points = [point for point in points if point.trials > 0]
    if not any(point.share < limit for point in points) or all(point.share < limit for point in points):
        return None
    fit = _Fit(points, limit)
    levels = _levels(points)
    profile = [fit.best(level) for level in levels]
    lowest = min(profile, key=lambda found: found[0])
    # Where the best is a range, its middle.
    best = [place for place, found in enumerate(profile) if found[0] <= lowest[0] + 1e-6]
    center = best[len(best) // 2]
    freedom = len(points) - 2
    dispersion = max(1.0, fit.pearson(levels[center], profile[center][1]) / freedom) if freedom > 0 else 1.0
    quantile = (
        student_quantile(CONFIDENCE, max(freedom, 1))
        if dispersion > 1
        else student_quantile(CONFIDENCE, math.inf)
    )
    allowed = lowest[0] + dispersion * quantile**2
    inside = [place for place, found in enumerate(profile) if found[0] <= allowed]
    return Crossing(
        level=levels[center],
        low=levels[inside[0] - 1] if inside[0] > 0 else None,
        high=levels[inside[-1] + 1] if inside[-1] + 1 < len(levels) else None,
        dispersion=dispersion,
    )


def _levels(points: Sequence[Point]) -> list[float]:
    low, high = (edge(point.level for point in points) for edge in (min, max))
    low, high = low / _REACH, high * _REACH
    steps = max(_STEPS, math.ceil(math.log(high / low) / 0.002))
    return [low * (high / low) ** (step / steps) for step in range(steps + 1)]


@dataclasses.dataclass(frozen=True, slots=True)
class _Fit:
    points: Sequence[Point]
    limit: float

    def best(self, level: float) -> tuple[float, float]:
        """Return the smallest deviance with the crossing at `level`, and its slope."""
        found = [(self.deviance(level, slope), slope) for slope in _SLOPES]
        return min(found)

    def deviance(self, level: float, slope: float) -> float:
        return sum(
            _deviance(point, self._expected(point, level, slope), self._clip(point.share))
            for point in self.points
        )

    def pearson(self, level: float, slope: float) -> float:
        total = 0.0
        for point in self.points:
            expected = self._expected(point, level, slope)
            total += point.trials * (self._clip(point.share) - expected) ** 2 / (expected * (1 - expected))
        return total

    def _expected(self, point: Point, level: float, slope: float) -> float:
        away = slope * math.log(point.level / level)
        return _logistic(_logit(self.limit) + max(-_LOCAL, min(_LOCAL, away)))

    def _clip(self, share: float) -> float:
        low, high = (_logistic(_logit(self.limit) + away) for away in (-_LOCAL, _LOCAL))
        return max(low, min(high, share))


def _deviance(point: Point, expected: float, share: float) -> float:
    return (
        2
        * point.trials
        * (share * math.log(share / expected) + (1 - share) * math.log((1 - share) / (1 - expected)))
    )


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
