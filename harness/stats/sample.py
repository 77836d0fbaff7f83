"""From two samples to one comparison: the caller states the assumption, the package picks the test.

Warnings travel with the numbers; whoever prints a number prints them as footnotes.
"""

import dataclasses
import enum
import statistics
from collections.abc import Sequence

from harness.stats.order import fewest, median_interval
from harness.stats.sign import sign_test

CONFIDENCE = 0.95


class Assumption(enum.StrEnum):
    """What the caller knows about how the values came about."""

    PAIRED = "paired"
    """Values come in pairs, and under no change either of a pair could have been the other's. Nothing else."""
    EXACT = "exact"
    """Repetitions give the same value."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """The values of one metric on one side, in the order in which they were measured."""

    values: tuple[float, ...]

    @property
    def center(self) -> float:
        """The median; values are never averaged, because their noise is one-sided."""
        return statistics.median(self.values)

    @property
    def exact(self) -> bool:
        """True if there is one value, however often it was measured."""
        return len(set(self.values)) == 1

    @property
    def range(self) -> float:
        """The largest less the smallest value."""
        return max(self.values) - min(self.values)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """A change, in the unit of the differences, with what is known about it. `p` of None: the test knows no chance."""

    change: float
    low: float
    high: float
    coverage: float
    count: int
    p_greater: float | None = None
    p_less: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def p_two_sided(self) -> float | None:
        """Twice the smaller p, and at most one."""
        if self.p_greater is None or self.p_less is None:
            return None
        return min(1.0, 2 * min(self.p_greater, self.p_less))


def compare(base: Sample, candidate: Sample, assumption: Assumption) -> Comparison:
    """Return `candidate` less `base`; take logarithms first where ratios are meant.

    Raises `ValueError` for samples that are empty, or of different lengths where they are paired.
    """
    if assumption is Assumption.EXACT:
        return _compare_exact(base, candidate)
    pairs = zip(base.values, candidate.values, strict=True)
    return compare_paired(tuple(after - before for before, after in pairs))


def compare_paired(differences: Sequence[float], confidence: float = CONFIDENCE) -> Comparison:
    """Return the median of paired `differences` with its order-statistic interval and the sign test.

    Raises `ValueError` if there is none.
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
        warnings.append(f"{count} pairs bound no median at {confidence:.0%}: it takes {fewest(confidence)}")
    if ties:
        warnings.append(f"{ties} of {count} pairs do not differ, and count for neither side")
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
