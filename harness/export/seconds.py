"""Export the measured time by second and operation as CSV, for a spreadsheet or a custom chart."""

import csv
import io
import math
from collections.abc import Iterator

import numpy as np

from harness.clock import NS_PER_S
from harness.errors import InvalidRunError
from harness.export.cells import cell
from harness.reading.summary import RunSummary
from harness.reading.timeline import Timeline
from harness.table.pieces import pieces

COLUMNS = (
    "second", "operation", "planned", "completed", "failed", "dropped", "p50_ns", "p99_ns", "max_ns",
    "throughput_per_s",
)  # fmt: skip


MOST_LINES = 3_000_000
"""Largest number of lines: a month of one operation. Memory grows with them."""


def as_csv(run: RunSummary) -> str:
    """Return one line for each second and operation.

    `planned`, `dropped` and the response times are of the calls intended in that second, `completed` and `failed` (timed
    out included) of those that returned in it. Lines go on until the last call has returned, so that every column sums
    to the run. A percentile with too few calls is left empty; the last second of a run may be incomplete.

    Raises `InvalidRunError` for more than `MOST_LINES`.
    """
    operations = list(run.document.plan.operations)
    seconds = max(math.ceil(max(run.document.plan.duration_s, _last_s(run))), 1)
    if seconds * len(operations) > MOST_LINES:
        raise InvalidRunError(
            f"{seconds:,} s of {len(operations)} operations are {seconds * len(operations):,} lines of CSV (limit "
            f"{MOST_LINES:,})",
            where=str(run.directory.path),
            remedy="Export the calls themselves: --format parquet",
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for second in zip(*(_lines(run, index, seconds) for index in range(len(operations))), strict=True):
        writer.writerows(second)
    return text.getvalue()


def _lines(run: RunSummary, operation: int, seconds: int) -> Iterator[tuple[object, ...]]:
    duration_s = run.document.plan.duration_s
    name = cell(list(run.document.plan.operations)[operation])
    line = Timeline.empty(1.0, seconds)
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
    """Return the time of the last return; a whole second belongs to the next line."""
    last_ns = max((int(piece["completed_ns"].max()) for piece in pieces(run.table)), default=0)
    return float(np.nextafter(last_ns / NS_PER_S, np.inf)) if last_ns else 0.0
