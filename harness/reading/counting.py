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
from harness.table.calls import Table
from harness.table.histogram import Histogram, bucket_of
from harness.table.pieces import pieces

ALL = "all"
"""Name that stands for all operations: a limit without an operation counts all calls together."""

_Flags = npt.NDArray[np.bool_]


def count_clause(run: RunSummary, clause: Clause, operation: str, stage: str | None) -> LimitCount:
    """Return the counts of one clause for an operation (or `all`), in one stage if it is named."""
    rows = _Rows(run, operation, stage)
    slow_bucket = _slow_bucket(clause, rows) if clause.metric is SloMetric.LATENCY else None
    counts = np.zeros((3, STRETCHES), np.int64)
    for piece in rows:
        response, completed = _response(piece), piece["outcome"] == Outcome.COMPLETED
        kept = completed & (response <= clause.limit) if slow_bucket is not None else completed
        slow = (
            ~completed | (bucket_of(response) >= slow_bucket)
            if slow_bucket is not None
            else np.zeros_like(kept)
        )
        stretch = rows.stretch_of(piece["intended_ns"])
        for place, chosen in enumerate((np.ones_like(kept), ~kept, slow)):
            counts[place] += np.bincount(stretch[chosen], minlength=STRETCHES)
    return LimitCount(
        clause=clause.text,
        operation=operation,
        stage=stage,
        calls=int(counts[0].sum()),
        exceeding=int(counts[1].sum()),
        seconds=rows.seconds,
        stretches=tuple(Counted(*one) for one in counts.T.tolist()),
    )


def _response(rows: Table) -> npt.NDArray[np.int64]:
    """Return the response times, 0 of a call that never completed."""
    response: npt.NDArray[np.int64] = np.maximum(rows["completed_ns"] - rows["intended_ns"], 0)
    return response


def _slow_bucket(clause: Clause, rows: "_Rows") -> int:
    """Return the histogram bucket from which the slowest calls begin: at least the share that the clause allows.

    A call that did not complete is slower than any other.
    """
    never, completed = 0, Histogram.empty()
    for piece in rows:
        done = piece[piece["outcome"] == Outcome.COMPLETED]
        never += len(piece) - len(done)
        completed = Histogram.merge([completed, Histogram.of(_response(done))])
    wanted = np.ceil(clause.share * (never + completed.count)) - never
    if wanted <= 0 or not completed.count:
        return int(bucket_of(np.array([2**52]))[0])
    slower = np.cumsum(completed.counts[::-1])[::-1]
    return int(completed.buckets[slower >= wanted][-1])


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
