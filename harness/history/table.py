"""Write a history as CSV: one line for each state of each course."""

import csv
import io

from harness.export.cells import cell
from harness.history.document import History

_HEAD = (
    "benchmark", "metric", "unit", "machine", "commit", "committed", "change", "low", "high", "step", "verdict",
    "anchored", "value",
)  # fmt: skip


def as_csv(history: History) -> str:
    """Return the table. Changes are shares; texts that a spreadsheet would execute are made harmless."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    for course in history.courses:
        for point in course.points:
            writer.writerow(
                [
                    *map(cell, (course.benchmark, course.metric, course.unit, course.machine, point.commit)),
                    point.committed or point.day, point.change, point.low, point.high,
                    "" if point.effect is None else point.effect, point.verdict, int(point.is_anchored),
                    "" if point.value is None else point.value,
                ]
            )  # fmt: skip
    return text.getvalue()
