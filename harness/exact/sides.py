"""Count both sides of a comparison in turn: from two load run targets to the receipt's records."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from harness.errors import HarnessError, RefusedError
from harness.exact.counting import count_once
from harness.exact.process import ExactPlan
from harness.exact.repetition import Repetition, SideCounts, as_counts
from harness.exact.tracing import trace_once
from harness.processes.subject import Subject
from harness.session.receipt import Count
from harness.supervise import Supervisor

_PROCESS_S = 2.5
Measure = Callable[[Supervisor, Subject, ExactPlan, Path], Repetition]


@dataclasses.dataclass(frozen=True, slots=True)
class Plans:
    """The amounts of counting and of tracing: a request takes several times as long under memray."""

    counting: ExactPlan = dataclasses.field(default_factory=ExactPlan)
    tracing: ExactPlan = dataclasses.field(default_factory=lambda: ExactPlan(requests=100))


def count_exactly(
    supervisor: Supervisor, base: Subject, candidate: Subject, folder: Path, plan: ExactPlan | None = None
) -> list[Count]:
    """Return the costs at the back ends on each side, by operation and metric, with call sites.

    Each repetition is a fresh process. The notes name a side that cannot be counted; no error is raised for it.
    """
    return _both(count_once, supervisor, base, candidate, folder / "counts", plan or Plans().counting)


def trace_exactly(
    supervisor: Supervisor, base: Subject, candidate: Subject, folder: Path, plan: ExactPlan | None = None
) -> list[Count]:
    """Return allocations and peak bytes on each side, by operation, with the functions that allocate."""
    return _both(
        trace_once,
        supervisor,
        base,
        candidate,
        folder / "allocations",
        plan or Plans().tracing,
    )


def count_seconds() -> float:
    """Return the approximate time of both for both sides, in seconds, on a small machine: mostly process starts."""
    plans = Plans()
    return 2 * (plans.counting.repetitions + plans.tracing.repetitions) * _PROCESS_S


class SharedCounts:
    """Count each target once, for any number of comparisons: exact counts repeat."""

    def __init__(self, supervisor: Supervisor, folder: Path, plans: Plans | None = None) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._plans = plans or Plans()
        self._known: list[tuple[Subject, tuple[SideCounts, SideCounts]]] = []

    def compare(self, base: Subject, candidate: Subject) -> list[Count]:
        """Return the result of `count_exactly` and `trace_exactly`."""
        pairs = zip(self._of(base), self._of(candidate), strict=True)
        return [count for pair in pairs for count in as_counts(*pair)]

    def _of(self, subject: Subject) -> tuple[SideCounts, SideCounts]:
        for known, counts in self._known:
            if known == subject:
                return counts
        plans, folder = self._plans, self._folder / str(len(self._known))
        counts = (
            measure_side(count_once, self._supervisor, subject, plans.counting, folder / "counts"),
            measure_side(trace_once, self._supervisor, subject, plans.tracing, folder / "allocations"),
        )
        self._known.append((subject, counts))
        return counts


def _both(
    measure: Measure, supervisor: Supervisor, base: Subject, candidate: Subject, folder: Path, plan: ExactPlan
) -> list[Count]:
    return as_counts(
        measure_side(measure, supervisor, base, plan, folder / "base"),
        measure_side(measure, supervisor, candidate, plan, folder / "candidate"),
    )


def measure_side(
    measure: Measure, supervisor: Supervisor, subject: Subject, plan: ExactPlan, folder: Path
) -> SideCounts:
    """Return all repetitions of one side; the first failure ends it and is its trouble. Raises `RefusedError`."""
    try:
        return SideCounts(
            tuple(measure(supervisor, subject, plan, folder / str(n)) for n in range(plan.repetitions))
        )
    except RefusedError:
        # No count of it would be true, on either side.
        raise
    except HarnessError as error:
        return SideCounts(trouble=str(error))
