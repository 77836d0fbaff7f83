"""Find where a share that grows with a level crosses a limit, from counts that scatter more than independent ones.

The share at level x is modelled by logit(share) = logit(limit) + slope (log x - log crossing). The interval of the
crossing is that of its profile likelihood, with the slope that fits best at each crossing, so it is right also where no
finite slope is: from counts that jump from none to all it spans the gap. The model is local: a share whose odds are over
eight times the limit's, or below an eighth of it, says only on which side of the limit its level lies.

The scatter is the largest of three, since each is blind to something: of the stretches of time within each measurement;
of the slowest trials, which cluster also where none succeeds; and between measurements around the curve (Finney 1971).
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.stats.student import student_quantile

CONFIDENCE = 0.9
# The counts of clusters are skew, which costs an interval some of its confidence: with 92 % it holds the truth in 90 %.
_NOMINAL = 0.92
_LOCAL = math.log(8)
NEAR = 0.25
"""Distance of logarithms within which a level is near the crossing."""
_SLOPES = 1.12 ** np.arange(84)
_STEP, _FINE = 0.02, 300
_REACH = 1.5

_Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """The successes among the trials at a level.

    `variance` is that of the number of successes, estimated from stretches of time; `effect` is the design effect of the
    slowest trials.
    """

    level: float
    trials: int
    successes: int
    variance: float = 0.0
    effect: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Crossing:
    """The level at which the share crosses the limit, and its interval with `CONFIDENCE`; None where it is unbounded.

    `scatter` is by how much larger the variance is than that of independent trials, at least 1.
    """

    level: float
    low: float | None
    high: float | None
    scatter: float


def crossing(points: Sequence[Point], limit: float) -> Crossing | None:
    """Return where the share crosses `limit`; None unless points lie below it, and others at or above it."""
    points = [point for point in points if point.trials > 0]
    below = [point.successes < limit * point.trials for point in points]
    return _Fit.of(points, limit).crossing() if any(below) and not all(below) else None


@dataclasses.dataclass(frozen=True, slots=True)
class _Logs:
    """A crossing in logarithms of levels."""

    level: float
    low: float | None
    high: float | None
    scatter: float

    def in_levels(self) -> Crossing:
        low, high = (None if end is None else math.exp(end) for end in (self.low, self.high))
        return Crossing(math.exp(self.level), low, high, self.scatter)


@dataclasses.dataclass(frozen=True, slots=True)
class _Fit:
    points: Sequence[Point]
    level: _Floats
    trials: _Floats
    share: _Floats
    middle: float

    @classmethod
    def of(cls, points: Sequence[Point], limit: float) -> "_Fit":
        level, trials, successes = (
            np.array([getattr(point, name) for point in points], float)
            for name in ("level", "trials", "successes")
        )
        middle = math.log(limit / (1 - limit))
        return cls(points, level, trials, np.minimum(successes / trials, _logistic(middle + _LOCAL)), middle)

    def crossing(self) -> Crossing:
        low, high = math.log(self.level.min() / _REACH), math.log(self.level.max() * _REACH)
        coarse = self._inside(np.linspace(low, high, math.ceil((high - low) / _STEP) + 1))
        return self._inside(np.linspace(*_ends(coarse, low, high), _FINE), coarse).in_levels()

    def _inside(self, levels: _Floats, coarse: "_Logs | None" = None) -> "_Logs":
        """Return the crossing on a grid of logarithms; an end that `coarse` has not, is not in the finer grid either."""
        away = _SLOPES[None, :, None] * (np.log(self.level)[None, None, :] - levels[:, None, None])
        deviance = self._deviance(np.clip(away, -_LOCAL, _LOCAL))
        profile, slopes = deviance.min(axis=1), _SLOPES[deviance.argmin(axis=1)]
        # Where the best is a range of levels, it is the middle of it.
        best = np.flatnonzero(profile <= profile.min() + 1e-6)
        center = int(best[len(best) // 2])
        scatter, quantile = self._scatter(float(levels[center]), float(slopes[center]))
        inside = np.flatnonzero(profile <= profile.min() + scatter * quantile**2)
        first, last = int(inside[0]), int(inside[-1])
        is_low = first > 0 or (coarse is not None and coarse.low is not None)
        is_high = last + 1 < len(levels) or (coarse is not None and coarse.high is not None)
        return _Logs(
            float(levels[center]),
            float(levels[max(first - 1, 0)]) if is_low else None,
            float(levels[min(last + 1, len(levels) - 1)]) if is_high else None,
            scatter,
        )

    def _deviance(self, away: _Floats) -> _Floats:
        expected = _logistic(self.middle + away)
        share = np.clip(self.share, 1e-300, 1 - 1e-12)
        terms = self.share * np.log(share / expected) + (1 - self.share) * np.log(
            (1 - share) / (1 - expected)
        )
        total: _Floats = (2 * self.trials * terms).sum(axis=-1)
        return total

    def _scatter(self, level: float, slope: float) -> tuple[float, float]:
        """Return the scatter around the curve that crosses at a logarithm `level`, and the quantile for its degrees of freedom."""
        away = slope * (np.log(self.level) - level)
        expected = _logistic(self.middle + np.clip(away, -_LOCAL, _LOCAL))
        far_above, far_below = away >= _LOCAL, away <= -_LOCAL
        used = (
            ~(far_above | far_below)
            | (far_above & (self.share < expected))
            | (far_below & (self.share > expected))
        )
        independent = self.trials * expected * (1 - expected)
        freedom = max(int(used.sum()) - 2, 1)
        pearson = (
            float(((self.trials * (self.share - expected))[used] ** 2 / independent[used]).sum()) / freedom
        )
        unbroken = self.share < _logistic(self.middle + _LOCAL)
        local = used & unbroken
        variance, effect = (
            np.array([getattr(one, name) for one in self.points]) for name in ("variance", "effect")
        )
        within = float(variance[local].sum() / independent[local].sum()) if local.any() else 1.0
        near = unbroken & (np.abs(np.log(self.level) - level) < NEAR)
        slowest = float(np.average(effect[near], weights=self.trials[near])) if near.any() else 1.0
        return max(1.0, pearson, within, slowest), student_quantile(_NOMINAL, max(freedom, 2))


def _ends(found: _Logs, low: float, high: float) -> tuple[float, float]:
    return (low if found.low is None else found.low), (high if found.high is None else found.high)


def _logistic(value: _Floats | float) -> _Floats:
    result: _Floats = 1 / (1 + np.exp(-np.asarray(value, float)))
    return result
