"""Split a run by stage: the calls of each measured stage."""

import bisect

import numpy as np

from harness.clock import NS_PER_S
from harness.plans.plan import stage_of
from harness.plans.span import Span
from harness.reading.summary import RunSummary
from harness.table.calls import Table
from harness.table.pieces import pieces


def rows_of_stages(run: RunSummary) -> list[Table]:
    """Return the rows of each measured stage, in the order of the plan."""
    spans = [span for span in run.document.plan.spans if not span.warmup]
    if len(spans) == 1:
        return [run.table]
    if _is_in_order(run.table):
        # Rows sorted as in the open model: a stage is a slice and copies nothing.
        intended_ns = run.table["intended_ns"]
        starts = [bisect.bisect_left(intended_ns, round(span.start_s * NS_PER_S)) for span in spans]
        return [run.table[low:high] for low, high in zip(starts, [*starts[1:], len(run.table)], strict=True)]
    every = run.document.plan.spans
    return [
        np.concatenate(
            [
                run.table[:0],
                *(piece[stage_of(piece["intended_ns"], every) == i] for piece in pieces(run.table)),
            ]
        )
        for i in range(len(spans))
    ]


def _is_in_order(table: Table) -> bool:
    last_ns = -1
    for piece in pieces(table):
        times_ns = piece["intended_ns"]
        if times_ns[0] < last_ns or np.any(times_ns[1:] < times_ns[:-1]):
            return False
        last_ns = int(times_ns[-1])
    return True


def measured_s(run: RunSummary, span: Span) -> float:
    """Return the measured seconds of a stage: fewer than planned if the run ended early."""
    return max(min(span.end_s, run.measured_s) - span.start_s, 0.0)
