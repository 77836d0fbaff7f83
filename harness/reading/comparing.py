"""Compare stored runs: check that they are comparable, and classify the ratio of two figures.

Stored or successive runs were not interleaved, so a ratio counts only beyond a caution factor. It is never called
significant: only a session of interleaved blocks can show that.
"""

import dataclasses
import enum
from collections.abc import Sequence

from harness.reading.summary import RunSummary

# Two runs of identical code, one after the other on a shared two-core machine, differed by 26 % (standard
# deviation): a factor of 1.5 is about twice that, as logarithms. This is a rule of thumb, not a test.
TIME_CAUTION = 1.5
# Counts hardly depend on the machine, only on how calls happened to overlap.
COUNT_CAUTION = 1.1


class Better(enum.StrEnum):
    """Direction in which a metric improves."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


class Standing(enum.Enum):
    """Classification of a figure against that of the first run."""

    SAME = enum.auto()
    SIMILAR = enum.auto()
    """Within the caution factor: below the detection limit."""
    BETTER = enum.auto()
    WORSE = enum.auto()
    DIFFERENT = enum.auto()
    """Beyond the caution factor, for a metric where neither direction is better."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A figure against that of the first run; a change from or to zero has a direction but no ratio."""

    ratio: float | None
    standing: Standing


def change(first: float, other: float, better: Better, caution: float) -> Change:
    """Return the change from `first` to `other`."""
    if first == other:
        return Change(1.0, Standing.SAME)
    if first <= 0 or other <= 0:
        return Change(None, _beyond(better, is_lower=other < first))
    ratio = other / first
    if is_within(ratio, caution):
        return Change(ratio, Standing.SIMILAR)
    return Change(ratio, _beyond(better, is_lower=ratio < 1))


def is_within(ratio: float, caution: float = TIME_CAUTION) -> bool:
    """Return whether a ratio is within the caution factor."""
    return 1 / caution <= ratio <= caution


def _beyond(better: Better, *, is_lower: bool) -> Standing:
    if better is Better.NEITHER:
        return Standing.DIFFERENT
    return Standing.BETTER if is_lower == (better is Better.LOWER) else Standing.WORSE


def uncomparable(runs: Sequence[RunSummary]) -> tuple[str, ...]:
    """Return the reasons why ratios between these runs mean nothing, in words; empty if they are comparable."""
    plans = [run.document.plan for run in runs]
    values = (
        ("scenario", {run.document.scenario for run in runs}),
        ("executor", {plan.executor for plan in plans}),
        ("mix of operations", {repr(sorted(plan.operations.items())) for plan in plans}),
        ("rate", {plan.rate_per_s for plan in plans if plan.executor == "open"}),
        ("number of users", {plan.users for plan in plans if plan.executor != "open"}),
        ("stages", {repr(_shape(run)) for run in runs}),
    )
    return tuple(what for what, found in values if len(found) > 1)


def _shape(run: RunSummary) -> list[tuple[str, float, float]]:
    spans = run.document.plan.spans
    return [(span.label, span.start_rate_per_s, span.end_rate_per_s) for span in spans if not span.warmup]
