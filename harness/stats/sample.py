"""The result of a comparison, and that of values which repeat exactly.

Warnings are returned with the numbers; callers print them as footnotes.
"""

import dataclasses
import statistics


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


def compare_exact(base: Sample, candidate: Sample) -> Comparison:
    """Return `candidate` minus `base` for repetitions that give the same value, and a warning where they do not."""
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
