"""The metrics of one repetition by operation, and the receipt's records of both sides' repetitions; pure."""

import dataclasses
from collections.abc import Iterable, Mapping

from harness.exact.metrics import FAILURES
from harness.session.receipt import Count, State

ALL = "all operations"
"""Stand-in for the operation where none could be counted."""

Sites = Mapping[str, float]
"""Functions with their part of a metric, per request."""


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """One metric of one operation, per request (`peak_bytes`: of the whole list), with its sources."""

    value: float
    sites: Sites = dataclasses.field(default_factory=dict)
    elsewhere: float = 0.0
    """Share of the target's allocations outside of its calls, for metrics from allocations: see `Count`."""
    unseen: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Repetition:
    """All metrics of one process: `{operation: {metric: value}}`; a missing metric is zero.

    `file` is the file of the target's factory.
    """

    requests: int
    values: Mapping[str, Mapping[str, Value]]
    file: str = ""
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class SideCounts:
    """The repetitions of one side, or the reason why there are none."""

    repetitions: tuple[Repetition, ...] = ()
    trouble: str = ""

    def lacks(self, operation: str) -> bool:
        """Return True if the side was counted without trouble, and lacks the operation."""
        return bool(self.repetitions) and not any(
            operation in rep.values or rep.note for rep in self.repetitions
        )


def as_counts(base: SideCounts, candidate: SideCounts) -> list[Count]:
    """Return a record for each operation and metric of either side; a note names a side without the operation.

    A side that has the operation without the metric counts zero. A side that could not be counted, or lacks the
    operation, has no values; where nothing could be counted, one record gives the reason.
    """
    sides = (base, candidate)
    if not any(side.repetitions for side in sides):
        why = f"base: {_why_missing(base, ALL)}; candidate: {_why_missing(candidate, ALL)}"
        return [Count(benchmark=ALL, metric=FAILURES, requests=0, base=[], candidate=[], note=why)]
    return [
        _count(operation, metric, base, candidate)
        for operation in _union(_operations(side) for side in sides)
        for metric in sorted({name for side in sides for name in _metrics(side, operation)})
    ]


def _count(operation: str, metric: str, base: SideCounts, candidate: SideCounts) -> Count:
    notes = [
        f"{name}: {why}"
        for name, side in (("base", base), ("candidate", candidate))
        if (why := _why_missing(side, operation))
    ]
    notes += sorted({rep.note for side in (base, candidate) for rep in side.repetitions if rep.note})
    requests = next(rep.requests for side in (base, candidate) for rep in side.repetitions)
    return Count(
        benchmark=operation,
        metric=metric,
        requests=requests,
        base=_values(base, operation, metric),
        candidate=_values(candidate, operation, metric),
        base_elsewhere=_elsewhere(base, operation, metric),
        candidate_elsewhere=_elsewhere(candidate, operation, metric),
        unseen=_unseen(base, operation, metric) or _unseen(candidate, operation, metric),
        base_sites=_sites(base, operation, metric),
        candidate_sites=_sites(candidate, operation, metric),
        note="; ".join(notes),
        state=_state(base, candidate, operation),
    )


def _state(base: SideCounts, candidate: SideCounts, operation: str) -> State:
    if base.lacks(operation):
        return State.NEW
    return State.REMOVED if candidate.lacks(operation) else State.BOTH


def _values(side: SideCounts, operation: str, metric: str) -> list[float]:
    zero = Value(0.0)
    return [
        rep.values[operation].get(metric, zero).value for rep in side.repetitions if operation in rep.values
    ]


def _of(side: SideCounts, operation: str, metric: str) -> list[Value]:
    values = (rep.values.get(operation, {}).get(metric) for rep in side.repetitions)
    return [value for value in values if value]


def _elsewhere(side: SideCounts, operation: str, metric: str) -> float:
    return max((value.elsewhere for value in _of(side, operation, metric)), default=0.0)


def _unseen(side: SideCounts, operation: str, metric: str) -> str:
    return next((value.unseen for value in _of(side, operation, metric) if value.unseen), "")


def _sites(side: SideCounts, operation: str, metric: str) -> dict[str, float]:
    for rep in side.repetitions:
        if found := rep.values.get(operation, {}).get(metric):
            return dict(found.sites)
    return {}


def _why_missing(side: SideCounts, operation: str) -> str:
    if side.trouble or not side.repetitions:
        return side.trouble or "it was not counted"
    if side.lacks(operation):
        return "it lacks this operation"
    counted = all(operation in rep.values for rep in side.repetitions)
    return "" if counted else "it was not counted in every repetition"


def _operations(side: SideCounts) -> list[str]:
    return _union(rep.values for rep in side.repetitions)


def _metrics(side: SideCounts, operation: str) -> set[str]:
    return {metric for rep in side.repetitions for metric in rep.values.get(operation, {})}


def _union(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))
