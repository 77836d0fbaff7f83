"""Compare two samples: the caller states the assumption, the package selects the test.

Warnings are returned with the numbers; callers print them as footnotes.
"""

import dataclasses
import enum
import statistics
from collections.abc import Sequence

from harness.stats.order import fewest, median_interval
from harness.stats.sign import sign_test

CONFIDENCE = 0.95


class Assumption(enum.StrEnum):
    """The caller's knowledge about the origin of the values."""

    PAIRED = "paired"
    """Values come in pairs, exchangeable within a pair under no change. No other assumption."""
    EXACT = "exact"
    """Repetitions give the same value."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """The values of one metric on one side, in the order in which they were measured."""

    values: tuple[float, ...]

    @property
    def center(self) -> float:
        """The median; never the mean, because the noise of the values is one-sided."""
        return statistics.median(self.values)

    @property
    def exact(self) -> bool:
        """Return True if all values are equal."""
        return len(set(self.values)) == 1

    @property
    def range(self) -> float:
        """The largest minus the smallest value."""
        return max(self.values) - min(self.values)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """A change, in the unit of the differences, with its interval. `p` of None: the comparison is not a test."""

    change: float
    low: float
    high: float
    coverage: float
    count: int
    p_greater: float | None = None
    p_less: float | None = None
    p_either: float | None = None
    """The p of a change in either direction, where the test has one of its own."""
    warnings: tuple[str, ...] = ()

    @property
    def p_two_sided(self) -> float | None:
        """The test's own p of either direction, else twice the smaller p, at most 1."""
        if self.p_either is not None:
            return self.p_either
        if self.p_greater is None or self.p_less is None:
            return None
        return min(1.0, 2 * min(self.p_greater, self.p_less))


def compare(base: Sample, candidate: Sample, assumption: Assumption) -> Comparison:
    """Return `candidate` minus `base`; take logarithms first to compare ratios.

    Raises `ValueError` for samples that are empty, or of different lengths where they are paired.
    """
    if assumption is Assumption.EXACT:
        return _compare_exact(base, candidate)
    pairs = zip(base.values, candidate.values, strict=True)
    return compare_paired(tuple(after - before for before, after in pairs))


def compare_paired(differences: Sequence[float], confidence: float = CONFIDENCE) -> Comparison:
    """Return the median of paired `differences` with its order-statistic interval and the sign test.

    Raises `ValueError` for no differences.
    """
    interval = median_interval(differences, confidence)
    test = sign_test(differences)
    return Comparison(
        change=interval.center,
        low=interval.low,
        high=interval.high,
        coverage=interval.coverage,
        count=test.count,
        p_greater=test.p_greater,
        p_less=test.p_less,
        warnings=tuple(_warnings(test.count, test.ties, bounded=interval.bounded, confidence=confidence)),
    )


def _warnings(count: int, ties: int, *, bounded: bool, confidence: float) -> list[str]:
    warnings = []
    if not bounded:
        warnings.append(
            f"{count} pairs are too few for an interval at {confidence:.0%} (at least {fewest(confidence)} are needed)"
        )
    if ties:
        warnings.append(f"{ties} of {count} pairs are equal, and count for neither side")
    return warnings


def _compare_exact(base: Sample, candidate: Sample) -> Comparison:
    change = candidate.center - base.center
    if base.exact and candidate.exact:
        return Comparison(change, change, change, 1.0, min(len(base.values), len(candidate.values)))
    return Comparison(
        change,
        min(candidate.values) - max(base.values),
        max(candidate.values) - min(base.values),
        1.0,
        min(len(base.values), len(candidate.values)),
        warnings=("repetitions of one side differ",),
    )
