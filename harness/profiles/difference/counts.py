"""Compare counts of many frames in the runs of two sides: change, interval and finding of each.

The model is the negative binomial: a count of mean m varies by m + d m^2, where the first part is sampling and the
second the variation between runs of one program. Its dispersion d is shared by all frames, since five runs say little about
one frame and much about all of them (Robinson and Smyth, 2008). With one run a side d is unknown, so only sampling
is tested and nothing is called changed.
"""

import dataclasses
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from harness.profiles.difference.discovery import (
    Floats,
    benjamini_hochberg,
    two_sided_p,
)
from harness.profiles.difference.finding import STRICT, Finding, Strictness
from harness.stats.student import student_quantile

_LEAST_MEAN = 5.0
_MOST_DISPERSION = 10.0
_Z_95 = NormalDist().inv_cdf(0.975)


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """One side: `counts[frame, run]`, and `exposures` of the same shape by which counts are divided."""

    counts: Floats
    exposures: Floats

    @property
    def runs(self) -> int:
        """Number of runs of the side."""
        return int(self.counts.shape[1])

    @property
    def rates(self) -> Floats:
        """The weight of each frame for one unit of exposure, over all runs."""
        total = self.exposures.sum(axis=1)
        return _over(self.counts.sum(axis=1), total)

    def at(self, rows: NDArray[np.intp]) -> "Counts":
        """Return the given frames only."""
        return Counts(self.counts[rows], self.exposures[rows])

    def pooled(self) -> "Counts":
        """Return all runs as if they were one."""
        return Counts(self.counts.sum(axis=1, keepdims=True), self.exposures.sum(axis=1, keepdims=True))


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """By frame: both weights, the interval of after less before, the samples behind it, and the finding.

    `discovery` is NaN for frames that were not tested. `dispersion` is None where it cannot be estimated.
    """

    before: Floats
    after: Floats
    low: Floats
    high: Floats
    samples: Floats
    discovery: Floats
    findings: Sequence[Finding]
    dispersion: float | None


def compare_sampled(before: Counts, after: Counts, strict: Strictness = STRICT) -> Compared:
    """Compare counts of samples; with fewer than `strict.least_runs` runs on a side nothing is called changed.

    A changed frame has runs that differ by rank too, so that it rests on no single run, and an interval
    without zero.

    Raises ValueError if the sides do not have the same frames, or one has no run.
    """
    if len(before.counts) != len(after.counts) or not before.runs or not after.runs:
        raise ValueError("both sides need the same frames, and a run")
    is_replicated = min(before.runs, after.runs) >= strict.least_runs
    if not is_replicated:
        before, after = before.pooled(), after.pooled()
    dispersion = shared_dispersion(before, after) if is_replicated else 0.0
    freedom = before.runs + after.runs - 2 if is_replicated else math.inf
    change = after.rates - before.rates
    samples = before.counts.sum(axis=1) + after.counts.sum(axis=1)
    p = two_sided_p(_over(change, _null_errors(before, after, dispersion)), freedom)
    p[samples < strict.least_samples] = np.nan
    discovery = benjamini_hochberg(p)
    reach = student_quantile(strict.confidence, freedom) * np.sqrt(
        _variance(before, dispersion) + _variance(after, dispersion)
    )
    larger = np.maximum(before.rates, after.rates)
    is_found = np.nan_to_num(discovery, nan=1.0) <= strict.false_discovery
    is_found &= np.abs(change) >= strict.least_effect * larger
    if is_replicated:
        # The test needs the variance of both sides if they were one, the interval the variance of each.
        is_found &= runs_agree(before, after) & (np.abs(change) > reach)
    is_same = (np.abs(change) + reach <= strict.least_effect * larger) & (samples > 0) & is_replicated
    word = Finding.CHANGED if is_replicated else Finding.BEYOND_SAMPLING
    findings = [
        word if found else Finding.SAME if same else Finding.CANNOT_TELL
        for found, same in zip(is_found, is_same, strict=True)
    ]
    return Compared(
        before.rates, after.rates, change - reach, change + reach, samples, discovery, findings,
        dispersion if is_replicated else None,
    )  # fmt: skip


def compare_counted(before: Counts, after: Counts, strict: Strictness = STRICT) -> Compared:
    """Compare counted (not sampled) weights: allocations, bytes.

    With fewer than `strict.least_runs` runs on a side, the interval is the change itself and holds for these runs
    only. With as many, a frame has changed where every run of one side counts more than every run of the other, by the
    exact probability of that under no change (0 where the runs within each side are equal). The interval is
    then from the closest runs of both sides to the farthest.
    """
    if len(before.counts) != len(after.counts) or not before.runs or not after.runs:
        raise ValueError("both sides need the same frames, and a run")
    if min(before.runs, after.runs) >= strict.least_runs:
        return _compare_counted_runs(before, after, strict)
    change = after.rates - before.rates
    larger = np.maximum(before.rates, after.rates)
    differs = (np.abs(change) >= strict.least_effect * larger) & (larger > 0)
    return Compared(
        before.rates, after.rates, change, change,
        before.counts.sum(axis=1) + after.counts.sum(axis=1), np.full(len(change), np.nan),
        [Finding.DIFFERS if found else Finding.SAME for found in differs], None,
    )  # fmt: skip


def _compare_counted_runs(before: Counts, after: Counts, strict: Strictness) -> Compared:
    one, two = (_over(side.counts, side.exposures) for side in (before, after))
    low = two.min(axis=1, initial=np.inf) - one.max(axis=1, initial=0)
    high = two.max(axis=1, initial=0) - one.min(axis=1, initial=np.inf)
    change = after.rates - before.rates
    larger = np.maximum(before.rates, after.rates)
    is_apart = (low > 0) | (high < 0)
    is_exact = np.ptp(one, axis=1) + np.ptp(two, axis=1) == 0
    by_chance = 2 / math.comb(before.runs + after.runs, before.runs)
    discovery = benjamini_hochberg(np.where(is_apart, np.where(is_exact, 0.0, by_chance), 1.0))
    is_found = discovery <= strict.false_discovery
    is_found &= np.abs(change) >= strict.least_effect * larger
    is_same = np.maximum(np.abs(low), np.abs(high)) <= strict.least_effect * larger
    findings = [
        Finding.CHANGED if found else Finding.SAME if same else Finding.CANNOT_TELL
        for found, same in zip(is_found, is_same, strict=True)
    ]
    samples = before.counts.sum(axis=1) + after.counts.sum(axis=1)
    return Compared(before.rates, after.rates, low, high, samples, discovery, findings, None)


def shared_dispersion(before: Counts, after: Counts) -> float:
    """Return the dispersion at which squared residuals are as large as they should be; 0 if sampling is enough.

    The moment equation of Pearson over all frames with 5 samples a run: sum (y - m)^2 / (m + d m^2) = degrees.
    """
    squares, means, freedom = [], [], 0
    for side in (before, after):
        fitted = side.rates[:, None] * side.exposures
        used = fitted.mean(axis=1) >= _LEAST_MEAN
        squares.append(((side.counts - fitted) ** 2)[used].ravel())
        means.append(fitted[used].ravel())
        freedom += int(used.sum()) * (side.runs - 1)
    square, mean = np.concatenate(squares), np.concatenate(means)

    def excess(dispersion: float) -> float:
        return float((_over(square, mean + dispersion * mean**2)).sum()) - freedom

    if not freedom or excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, _MOST_DISPERSION
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def runs_agree(before: Counts, after: Counts) -> NDArray[np.bool_]:
    """Return for each frame whether the runs of the sides differ by rank (Mann and Whitney 1947, normal, 5 %).

    A process that loses its processor is sampled many times at one place: all these samples are one event.
    """
    one, two = (_over(side.counts, side.exposures) for side in (before, after))
    above = (two[:, None, :] > one[:, :, None]) + 0.5 * (two[:, None, :] == one[:, :, None])
    pairs = before.runs * after.runs
    spread = math.sqrt(pairs * (before.runs + after.runs + 1) / 12)
    agree: NDArray[np.bool_] = np.abs(above.sum(axis=(1, 2)) - pairs / 2) >= _Z_95 * spread
    return agree


def _null_errors(before: Counts, after: Counts, dispersion: float) -> Floats:
    """Return the standard error of the change if there is none: both sides vary around one rate."""
    both = Counts(
        np.hstack([before.counts, after.counts]), np.hstack([before.exposures, after.exposures])
    ).rates
    return np.sqrt(_variance(before, dispersion, both) + _variance(after, dispersion, both))


def _variance(side: Counts, dispersion: float, rates: Floats | None = None) -> Floats:
    """Return the variance of a side's rate; a side without a sample is given the variance of one sample."""
    exposure = side.exposures.sum(axis=1)
    if rates is None:
        rates = np.maximum(side.rates, _over(np.ones(len(exposure)), exposure))
    between = dispersion * rates**2 * _over((side.exposures**2).sum(axis=1), exposure**2)
    return _over(rates, exposure) + between


def _over(part: Floats, whole: Floats) -> Floats:
    quotient: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return quotient
