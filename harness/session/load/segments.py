"""Reduce one load run to the segment of a receipt: figures by operation, counts, validity."""

from collections.abc import Iterator

from harness.policy.slo import LimitCount
from harness.policy.thresholds import Level
from harness.processes.job import Ready
from harness.reading.counting import ALL
from harness.reading.summary import OperationSummary, RunSummary
from harness.reading.validity import Validity
from harness.session.receipt import Segment

PERCENTILES = {"p50_ns": 0.5, "p95_ns": 0.95, "p99_ns": 0.99}
COLD_START = "cold_start_ns"


def segment_of(run: RunSummary, validity: Validity, ready: Ready, limits: list[LimitCount]) -> Segment:
    """Return the segment of `run`; `ready` is the report of its process before the load began."""
    # A single operation equals the whole: a second test of it would only make each verdict harder to reach.
    parts = {ALL: run.total, **(run.operations if len(run.operations) > 1 else {})}
    values = {name: dict(_values(part, run.measured_s)) for name, part in parts.items()}
    values[ALL][COLD_START] = float(ready.opening_ns)
    return Segment(
        values=values,
        counts={name: planned(part) for name, part in parts.items()},
        validity=str(validity.level),
        file=ready.file,
        reasons=list(validity.reasons),
        limits=limits,
    )


def planned(part: OperationSummary) -> int:
    """Return the number of planned calls, with any outcome."""
    return sum(part.outcomes.values())


def _values(part: OperationSummary, measured_s: float) -> Iterator[tuple[str, float]]:
    if measured_s:
        yield "throughput_per_s", part.outcomes["completed"] / measured_s
    if calls := planned(part):
        yield "error_share", (calls - part.outcomes["completed"]) / calls
    for metric, share in PERCENTILES.items():
        value = part.histograms["response_ns"].supported_percentile(share)
        if value is not None:
            yield metric, float(value)


def fault_of(segment: Segment) -> str | None:
    """Return the reason why a segment is unusable; None if it is usable."""
    if segment.validity != Level.INVALID:
        return None
    return segment.reasons[0] if segment.reasons else "the run is invalid"
