"""Write the figures of a gate for tools that keep a history: Bencher, github-action-benchmark, Apache Otava.

Formats: Bencher Metric Format (https://bencher.dev/docs/reference/bencher-metric-format), the custom JSON of
github-action-benchmark (an array of name, unit, value, range, extra), and Otava's CSV (one row a run; each cell of a metric
is a number, so that only metrics of all runs have a column).
"""

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence

from harness.export.cells import cell

_BENCHER_MEASURES = {"wall": "latency"}
"""Measures that Bencher knows by a name of its own."""
_MOST_MEASURE, _MOST_NAME = 64, 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """The candidate's value of one metric of one benchmark, with the interval of its change at that value."""

    benchmark: str
    metric: str
    unit: str
    value: float
    low: float | None = None
    high: float | None = None
    more_is_better: bool = False
    note: str = ""
    """The verdict of the gate, which holds for its own session alone."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """The figures of one receipt: its time in ISO 8601, the candidate's commit, and the values by metric."""

    time: str
    commit: str
    values: Mapping[str, float]


def as_bencher(figures: Sequence[Figure]) -> str:
    """Return Bencher Metric Format."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for one in figures:
        metric = {"value": one.value}
        if one.low is not None and one.high is not None:
            metric |= {"lower_value": one.low, "upper_value": one.high}
        measure = _BENCHER_MEASURES.get(one.metric, one.metric)[:_MOST_MEASURE]
        found.setdefault(one.benchmark[:_MOST_NAME], {})[measure] = metric
    return _json(found)


def as_github(figures: Sequence[Figure], *, more_is_better: bool) -> str:
    """Return the custom JSON for `customBiggerIsBetter` or `customSmallerIsBetter`: only the figures of that direction."""
    return _json(
        [
            {
                "name": f"{one.benchmark} {one.metric}",
                "unit": one.unit,
                "value": one.value,
                **(
                    {}
                    if one.low is None or one.high is None
                    else {"range": f"{one.low:.6g} to {one.high:.6g}"}
                ),
                "extra": one.note,
            }
            for one in figures
            if one.more_is_better is more_is_better
        ]
    )


def as_otava(rows: Sequence[Row]) -> tuple[str, tuple[str, ...]]:
    """Return the CSV in the order of time, and the metrics that some row lacks, which have no column."""
    names = dict.fromkeys(name for row in rows for name in row.values)
    shared = [name for name in names if all(name in row.values for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time", "commit", *map(cell, shared)])
    for row in sorted(rows, key=lambda one: one.time):
        writer.writerow([row.time, row.commit, *(row.values[name] for name in shared)])
    return text.getvalue(), tuple(name for name in names if name not in shared)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, allow_nan=False) + "\n"
