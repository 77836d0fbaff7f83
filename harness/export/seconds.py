"""The measured time by second and operation, as CSV: for a spreadsheet, or a chart of one's own."""

import csv
import io
import math
from collections.abc import Iterator

import numpy as np

from harness.clock import NS_PER_S
from harness.reading.summary import RunSummary
from harness.reading.timeline import Timeline
from harness.table.pieces import pieces

COLUMNS = (
    "second", "operation", "planned", "completed", "failed", "dropped", "p50_ns", "p99_ns", "max_ns",
    "throughput_per_s",
)  # fmt: skip


def as_csv(run: RunSummary) -> str:
    """Return one line for each second and operation.

    `planned`, `dropped` and the response times are of the calls intended in that second, `completed` and `failed` (timed
    out included) of those that came back in it. Lines go on until the last call has come back, so that every column sums
    to the run. A percentile with too few calls behind it is left empty; the last second of a run may be a part of one.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    by_operation = [list(_lines(run, index)) for index in range(len(run.document.plan.operations))]
    for second in zip(*by_operation, strict=True):
        writer.writerows(second)
    return text.getvalue()


def _lines(run: RunSummary, operation: int) -> Iterator[tuple[object, ...]]:
    duration_s = run.document.plan.duration_s
    name = list(run.document.plan.operations)[operation]
    line = Timeline.empty(1.0, max(math.ceil(max(duration_s, _last_s(run))), 1))
    for piece in pieces(run.table):
        line = line.with_calls(piece[piece["operation"] == operation])
    for second, response in enumerate(line.response):
        length_s = min(max(duration_s - second, 0.0), 1.0) or 1.0
        yield (
            second, name, int(line.planned[second]), int(line.completed[second]), int(line.failed[second]),
            int(line.dropped[second]), response.supported_percentile(0.5), response.supported_percentile(0.99),
            response.high if response.count else None, line.completed[second] / length_s,
        )  # fmt: skip


def _last_s(run: RunSummary) -> float:
    """Return when the last call came back; a whole second belongs to the next line."""
    last_ns = max((int(piece["completed_ns"].max()) for piece in pieces(run.table)), default=0)
    return float(np.nextafter(last_ns / NS_PER_S, np.inf)) if last_ns else 0.0
