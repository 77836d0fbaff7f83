"""Export the numbers of a finished run as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).

Every sample has the labels of the run and the time of its end, so that `promtool tsdb create-blocks-from openmetrics` puts the
runs of a target side by side as one series.
"""

from collections.abc import Iterator

from harness.clock import NS_PER_S
from harness.export.run_metrics import (
    BOUNDS_NS,
    Kind,
    Labels,
    Metric,
    counts_up_to_bounds,
    ended_unix_s,
    metrics,
    run_labels,
)
from harness.reading.judging import JudgedRun
from harness.redaction.visible import visible
from harness.table.histogram import Histogram

_TYPES = {Kind.TOTAL: "counter", Kind.GAUGE: "gauge", Kind.DISTRIBUTION: "histogram"}
_UNITS = {"s": "seconds"}


def as_openmetrics(judged: JudgedRun) -> str:
    """Return the exposition of one run."""
    of_run, at = run_labels(judged.run), f"{ended_unix_s(judged.run):.3f}"
    return "".join([line for metric in metrics(judged) for line in _lines(metric, of_run, at)]) + "# EOF\n"


def _lines(metric: Metric, of_run: Labels, at: str) -> Iterator[str]:
    unit = _UNITS.get(metric.unit, "")
    name = "_".join(filter(None, (metric.name.replace(".", "_"), unit)))
    yield f"# TYPE {name} {_TYPES[metric.kind]}\n"
    if unit:
        yield f"# UNIT {name} {unit}\n"
    yield f"# HELP {name} {metric.explanation}.\n"
    for labels, point in metric.points:
        for suffix, more, value in _samples(metric.kind, point):
            pairs = {**of_run, **labels, **more}.items()
            text = ",".join(f'{key}="{_escaped(one)}"' for key, one in pairs)
            yield f"{name}{suffix}{{{text}}} {value!r} {at}\n"


def _samples(kind: Kind, point: float | Histogram) -> Iterator[tuple[str, Labels, float]]:
    if not isinstance(point, Histogram):
        yield "_total" if kind is Kind.TOTAL else "", {}, point
        return
    for bound_ns, count in zip(BOUNDS_NS, counts_up_to_bounds(point), strict=True):
        yield "_bucket", {"le": repr(bound_ns / NS_PER_S)}, float(count)
    yield "_bucket", {"le": "+Inf"}, float(point.count)
    yield "_count", {}, float(point.count)
    yield "_sum", {}, point.total / NS_PER_S


def _escaped(value: str) -> str:
    # Visible text is one line.
    return visible(value).replace("\\", "\\\\").replace('"', '\\"')
