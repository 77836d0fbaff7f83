"""Runs by stage: the calls of each measured stage as a run of their own, to be counted and judged."""

import bisect
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.clock import NS_PER_S
from harness.plans.plan import Span, stage_of
from harness.reading.limits import as_json as limit_json
from harness.reading.validity import Validity
from harness.table.calls import Table
from harness.table.latency import METRICS
from harness.table.pieces import pieces

if TYPE_CHECKING:
    from harness.reading.summary import OperationSummary, RunSummary


@dataclasses.dataclass(frozen=True, slots=True)
class StageSummary:
    """One measured stage: what was meant, what came of it, and whether its own numbers may be used."""

    span: Span
    summary: "OperationSummary"
    validity: Validity
    measured_s: float

    @property
    def throughput_per_s(self) -> float | None:
        """Completed calls by the part of the stage that was measured; None where nothing was."""
        return self.summary.outcomes["completed"] / self.measured_s if self.measured_s else None


def rows_of_stages(run: "RunSummary") -> list[Table]:
    """Return the rows of each measured stage, in the order of the plan."""
    spans = [span for span in run.document.plan.spans if not span.warmup]
    if len(spans) == 1:
        return [run.table]
    if _is_in_order(run.table):
        # As in the open model: a stage is a slice, and copies nothing.
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


def measured_s(run: "RunSummary", span: Span) -> float:
    """Return how much of a stage was measured: less than planned if the run was ended early."""
    return max(min(span.end_s, run.measured_s) - span.start_s, 0.0)


def as_json(run: "RunSummary") -> list[dict[str, Any]]:
    """Return the `stages` of a run's JSON: those of warm-up, which have no results, and the measured ones."""
    warmup = [
        {"label": span.label, "warmup": True, **_placed(span)}
        for span in run.document.plan.spans
        if span.warmup
    ]
    return [*warmup, *({"warmup": False, **_json_of(run, stage)} for stage in run.judged_stages)]


def _placed(span: Span) -> Mapping[str, float]:
    return {
        "start_s": span.start_s,
        "end_s": span.end_s,
        "start_rate_per_s": span.start_rate_per_s,
        "end_rate_per_s": span.end_rate_per_s,
    }


def _json_of(run: "RunSummary", stage: StageSummary) -> dict[str, Any]:
    outcomes = dict(stage.summary.outcomes)
    return {
        "label": stage.span.label,
        **_placed(stage.span),
        "validity": stage.validity.level,
        "reasons": [*stage.validity.reasons],
        "planned": sum(outcomes.values()),
        "outcomes": outcomes,
        "throughput_per_s": stage.throughput_per_s,
        **{metric: stage.summary.percentiles(metric) for metric in METRICS},
        "slo": [limit_json(finding) for finding in run.slo if finding.stage == stage.span.label],
    }
