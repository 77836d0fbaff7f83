"""Divide response times into lag, queue, run and waits: the mean, the tail, and each of the slowest calls."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from harness.model import Outcome
from harness.reading.summary import OperationSummary, RunSummary
from harness.reading.tails import PARTS
from harness.table.calls import Table
from harness.table.histogram import bucket_of
from harness.table.latency import METRICS, latencies, returned
from harness.table.pieces import pieces
from harness.table.traces import call_ids

UNDIVIDED = ("lag_ns", "queue_ns", "service_ns")
"""Parts of a response where service was not split into run and waits."""
TAIL_SHARE = 0.01
_LEAST_TAIL = 5
# A smaller share of the time that an operation blocked the loop is not shown.
_WORTH_TELLING = 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class SlowCall:
    """One call of the measured time, with the ns of each part of its response."""

    operation: str
    outcome: str
    intended_ns: int
    response_ns: int
    parts_ns: Mapping[str, int]
    trace_id: str = ""
    span_id: str = ""
    """Identifiers of its trace and of its service in it (`harness.table.traces`); empty where the run left no clock."""


@dataclasses.dataclass(frozen=True, slots=True)
class BlockedRun:
    """Time that an operation blocked the event loop in long stretches, and its share without the CPU."""

    operation: str
    held_ns: int
    blocked_ns: int


def mean_parts(summary: OperationSummary | None) -> dict[str, float]:
    """Return the mean ns of each part of the response; without the split, service stands undivided."""
    if summary is None:
        return dict.fromkeys(UNDIVIDED, 0.0)
    parts = PARTS if summary.histograms["run_ns"].count else UNDIVIDED
    return {part: summary.histograms[part].mean or 0.0 for part in parts}


def tail_parts(run: RunSummary) -> dict[str, float]:
    """Return the mean parts over the slowest 1 % of calls; empty where there are too few calls for a tail.

    Of the calls in the histogram bucket where the tail begins, which differ by 0.4 % at most, as many as are needed
    to fill the tail count, each with their mean: so no list of the slowest is kept.
    """
    response = run.total.histograms["response_ns"]
    count = round(response.count * TAIL_SHARE)
    if count < _LEAST_TAIL:
        return {}
    from_end = np.cumsum(response.counts[::-1])
    edge = response.buckets[::-1][int(np.searchsorted(from_end, count))]
    above, at_edge = np.zeros(len(METRICS) + 1), np.zeros(len(METRICS) + 1)
    for piece in pieces(run.table):
        rows = returned(piece)
        bucket = bucket_of(np.maximum(rows["completed_ns"] - rows["intended_ns"], 0))
        above += _sums(rows[bucket > edge])
        at_edge += _sums(rows[bucket == edge])
    means = (above + at_edge * (count - above[-1]) / at_edge[-1]) / count
    parts = dict(zip(METRICS, means.tolist(), strict=False))
    is_split = run.total.histograms["run_ns"].count == response.count
    return {name: parts[name] for name in (PARTS if is_split else UNDIVIDED)}


def _sums(rows: Table) -> npt.NDArray[np.float64]:
    """Return the totals of each metric, followed by the number of calls."""
    return np.array([*(values.sum() for values in latencies(rows).values()), len(rows)], np.float64)


def slowest_calls(run: RunSummary, count: int = 10) -> list[SlowCall]:
    """Return the calls with the longest response times, slowest first."""
    names = list(run.operations)
    return [
        SlowCall(
            operation=names[int(row["operation"])],
            outcome=Outcome(int(row["outcome"])).label,
            intended_ns=int(row["intended_ns"]),
            response_ns=int(row["completed_ns"] - row["intended_ns"]),
            parts_ns=_call_parts(row),
            **_ids(run, row),
        )
        for row in run.slowest(count)
    ]


def _ids(run: RunSummary, row: np.void) -> dict[str, str]:
    if run.facts is None:
        return {}
    trace_id, span_id = call_ids(run.document.seed, run.facts.origin_ns + int(row["entered_ns"]))
    return {"trace_id": trace_id, "span_id": span_id}


def _call_parts(row: np.void) -> dict[str, int]:
    parts = {
        "lag_ns": int(row["dispatched_ns"] - row["intended_ns"]),
        "queue_ns": int(row["entered_ns"] - row["dispatched_ns"]),
    }
    service_ns = int(row["completed_ns"] - row["entered_ns"])
    if row["run_ns"] < 0:
        return parts | {"service_ns": service_ns}
    run_ns, busy_ns = int(row["run_ns"]), int(row["wait_busy_ns"])
    return parts | {
        "run_ns": run_ns, "wait_busy_ns": busy_ns, "wait_idle_ns": max(service_ns - run_ns - busy_ns, 0)
    }  # fmt: skip


def blocked_runs(run: RunSummary) -> Iterator[BlockedRun]:
    """Yield the operations that blocked the loop without the CPU for a noticeable share."""
    for name, one in (run.facts.blocked if run.facts else {}).items():
        if one.blocked_ns > _WORTH_TELLING * one.held_ns:
            yield BlockedRun(name, one.held_ns, one.blocked_ns)


def service_share(run: RunSummary, part: str) -> float | None:
    """Return a part of service (`run_ns` or a wait) as a share of all service; None where service was not split."""
    histogram = run.total.histograms[part]
    whole = sum(run.total.histograms[name].total for name in ("run_ns", "wait_busy_ns", "wait_idle_ns"))
    return histogram.total / whole if histogram.count and whole else None


def target_lag_share(run: RunSummary) -> float | None:
    """Return the share of all start delay caused by the target; None without any delay."""
    lag_ns = target_ns = 0
    for piece in pieces(run.table):
        lag_ns += int((piece["dispatched_ns"] - piece["intended_ns"]).clip(0).sum())
        target_ns += int(piece["lag_target_ns"].sum())
    return target_ns / lag_ns if lag_ns else None
