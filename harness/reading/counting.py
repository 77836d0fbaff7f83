"""Count the calls of a run that broke a clause of a limit, in all and by stretch of time."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.plans.plan import stage_of
from harness.policy.slo import STRETCHES, Clause, Counted, LimitCount, SloMetric
from harness.reading.summary import RunSummary
from harness.table.aside import has_time
from harness.table.calls import Table
from harness.table.histogram import SUB_BUCKETS, Integers, bucket_of
from harness.table.pieces import pieces

ALL = "all"
"""Name that stands for all operations: a limit without an operation counts all calls together."""

_Flags = npt.NDArray[np.bool_]
# A histogram has 128 buckets in an octave, so 32 are a quarter of one; values are below 2**53.
_BITS_OF_A_STEP = 5
_NEVER = (54 * SUB_BUCKETS) >> _BITS_OF_A_STEP


def count_clause(run: RunSummary, clause: Clause, operation: str, stage: str | None) -> LimitCount:
    """Return the counts of one clause for an operation (or `all`), in one stage if it is named."""
    rows, tally = _Rows(run, operation, stage), Tally()
    is_latency = clause.metric is SloMetric.LATENCY
    for piece in rows:
        response, completed = _response(piece), piece["outcome"] == Outcome.COMPLETED
        # A call without a time may have been slow: it does not keep the limit.
        timed = completed & has_time(piece)
        kept = timed & (response <= clause.limit) if is_latency else completed
        tally.add(rows.stretch_of(piece["intended_ns"]), ~kept)
        if is_latency:
            tally.add_slow(rows.stretch_of(piece["intended_ns"]), response, timed)
    return LimitCount(
        clause=clause.text,
        operation=operation,
        stage=stage,
        calls=int(tally.calls.sum()),
        exceeding=int(tally.exceeding.sum()),
        seconds=rows.seconds,
        stretches=tally.stretches(clause.share),
    )


class Tally:
    """The counts of calls by stretch of time; calls are added as arrays, of which the first is their stretches."""

    def __init__(self) -> None:
        self.calls = np.zeros(STRETCHES, np.int64)
        self.exceeding = np.zeros(STRETCHES, np.int64)
        self._slow = np.zeros((STRETCHES, _NEVER + 1), np.int64)

    def add(self, stretch: Integers, exceeds: _Flags) -> None:
        """Count calls, and those that break the clause."""
        self.calls += np.bincount(stretch, minlength=STRETCHES)
        self.exceeding += np.bincount(stretch[exceeds], minlength=STRETCHES)

    def add_slow(self, stretch: Integers, response_ns: Integers, completed: _Flags) -> None:
        """Count the same calls by response time; one that did not complete is slower than any other."""
        step = np.where(completed, np.minimum(bucket_of(response_ns) >> _BITS_OF_A_STEP, _NEVER - 1), _NEVER)
        np.add.at(self._slow, (stretch, step), 1)

    def stretches(self, share: float) -> tuple[Counted, ...]:
        """Return the counts, with those of the slower half by step, or of the slowest `share` if that is more."""
        slower = np.cumsum(self._slow.sum(axis=0)[::-1])[::-1]
        first = int(np.flatnonzero(slower >= max(share, 0.5) * slower[0])[-1])
        by_step = [
            {int(step) + first: int(row[step + first]) for step in np.flatnonzero(row[first:])}
            for row in self._slow
        ]
        return tuple(map(Counted, self.calls.tolist(), self.exceeding.tolist(), by_step))


def _response(rows: Table) -> Integers:
    """Return the response times, 0 of a call that never completed."""
    response: Integers = np.maximum(rows["completed_ns"] - rows["intended_ns"], 0)
    return response


@dataclasses.dataclass(frozen=True, slots=True)
class _Rows:
    """The measured rows of an operation and a stage, in chunks."""

    run: RunSummary
    operation: str
    stage: str | None

    def __iter__(self) -> Iterator[Table]:
        return (piece[self._wanted(piece)] for piece in pieces(self.run.table))

    def _wanted(self, table: Table) -> _Flags:
        plan = self.run.document.plan
        wanted = np.ones(len(table), bool)
        if self.operation != ALL:
            wanted &= table["operation"] == list(plan.operations).index(self.operation)
        if self.stage is not None:
            labels = [span.label for span in plan.spans if not span.warmup]
            places = [place for place, label in enumerate(labels) if label == self.stage]
            wanted &= np.isin(stage_of(table["intended_ns"], plan.spans), places)
        return wanted

    @property
    def _times_s(self) -> list[tuple[float, float]]:
        """Start and end of each part of the measured time that counts."""
        run = self.run
        if self.stage is None:
            return [(0.0, run.measured_s)]
        spans = [span for span in run.document.plan.spans if not span.warmup and span.label == self.stage]
        return [(min(span.start_s, run.measured_s), min(span.end_s, run.measured_s)) for span in spans]

    @property
    def seconds(self) -> float:
        """The measured time that counts."""
        return sum(end_s - start_s for start_s, end_s in self._times_s)

    def stretch_of(self, intended_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the number of the stretch of each time; times after the end belong to the last."""
        if self.seconds <= 0:
            return np.zeros(len(intended_ns), np.int64)
        edges = np.array(self._times_s) * NS_PER_S
        lengths = edges[:, 1] - edges[:, 0]
        part = np.maximum(np.searchsorted(edges[:, 0], intended_ns, side="right") - 1, 0)
        within = np.clip(intended_ns - edges[part, 0], 0, lengths[part])
        elapsed = (np.cumsum(lengths) - lengths)[part] + within
        stretches: npt.NDArray[np.int64] = (elapsed * STRETCHES / lengths.sum()).astype(np.int64)
        return np.minimum(stretches, STRETCHES - 1)
