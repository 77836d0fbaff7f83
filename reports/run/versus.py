"""Word the comparison of runs with the first one, without a claim of significance."""

import dataclasses
from collections.abc import Sequence

from harness.reading.comparing import is_within, uncomparable
from harness.units import format_ns
from reports.run.sides import Side
from reports.run.trouble import of_all
from reports.shared.ratios import change_text
from reports.shared.words import listed


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """One percentile of two runs."""

    where: str
    before_ns: float
    after_ns: float

    @property
    def ratio(self) -> float:
        return self.after_ns / self.before_ns

    @property
    def is_within(self) -> bool:
        return is_within(self.ratio)

    @property
    def times(self) -> str:
        return f"{self.where} ({format_ns(self.after_ns)} against {format_ns(self.before_ns)})"

    @property
    def words(self) -> str:
        """`3.80× faster at the median (…)`, or a percentage of the response time below a factor of 2."""
        return f"{'about as fast' if self.is_within else change_text(self.ratio)} {self.times}"


def compared(sides: Sequence[Side]) -> str:
    """Return one sentence that compares the later of two or more runs with the first."""
    return " ".join((*(f"{words}." for words in of_all(sides)), _compared(sides)))


def _compared(sides: Sequence[Side]) -> str:
    if reasons := uncomparable([side.run for side in sides]):
        return f"These {len(sides)} runs cannot be compared: they differ in {listed(reasons)}."
    withheld = [side.label for side in sides if side.withheld]
    if withheld:
        if len(withheld) > 1:
            return f"Response times are not compared: {listed(withheld)} are invalid."
        why = next(side.withheld for side in sides if side.withheld)
        return f"Response times are not compared: {why}."
    return "; ".join(_clause(sides[0], side) for side in sides[1:]) + "."


def _clause(first: Side, other: Side) -> str:
    steps = [step for step in (_step(first, other, "p50"), _step(first, other, "p99")) if step]
    if not steps:
        return f"{other.label} and {first.label}: too few calls to compare"
    if all(step.is_within for step in steps):
        times = " and ".join(step.times for step in steps)
        return f"{other.label} against {first.label}: below the detection limit, response {times}"
    return f"{other.label} against {first.label}: {', '.join(step.words for step in steps)}"


def _step(first: Side, other: Side, name: str) -> _Step | None:
    before = first.run.total.percentiles("response_ns")[name]
    after = other.run.total.percentiles("response_ns")[name]
    where = "at the median" if name == "p50" else f"at {name}"
    return _Step(where, before, after) if before and after else None
