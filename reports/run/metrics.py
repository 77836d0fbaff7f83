"""Metrics of a run: name, value, format and direction of improvement; and tables of them.

Ratios are against the first run. Sequential runs are not interleaved, so a ratio is marked only beyond a caution
factor. `harness compare` tests for significance.
"""

import dataclasses
from collections.abc import Callable, Sequence

from harness.reading.comparing import TIME_CAUTION, Better
from harness.units import format_ns
from reports.run.sides import Side, heads
from reports.shared.model import Cell, Row, Table, Tone
from reports.shared.ratios import with_ratio


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """Definition of a figure of a run. `latency` figures of an invalid run are withheld."""

    label: str
    value: Callable[[Side], float | None]
    text: Callable[[float], str] = format_ns
    better: Better = Better.LOWER
    caution: float = TIME_CAUTION
    latency: bool = False
    words: tuple[str, str] = ("lower", "higher")
    """Words for a smaller and for a larger value, after a factor: `3.90× fewer`."""
    hint: str = ""
    missing: str = ""
    """Reason why a value can be missing."""


def table(
    key: str, title: str, sides: Sequence[Side], metrics: Sequence[Metric], *, ratios: bool = True
) -> Table:
    """Return metrics as rows and runs as columns."""
    return Table(key, title, heads(sides), rows(sides, metrics, ratios=ratios), "Metric")


def rows(sides: Sequence[Side], metrics: Sequence[Metric], *, ratios: bool = True) -> tuple[Row, ...]:
    """Return one row for each metric that any run has, or could have had."""
    made = [Row(metric.label, cells(sides, metric, ratios=ratios), hint=metric.hint) for metric in metrics]
    return tuple(row for row in made if any(cell.value is not None or cell.note for cell in row.cells))


def cells(sides: Sequence[Side], metric: Metric, *, ratios: bool = True) -> tuple[Cell, ...]:
    """Return the metric of each run, the later ones with their ratio to the first."""
    first, *others = [_cell(side, metric) for side in sides]
    if not ratios:
        return (first, *others)
    return (
        first,
        *(with_ratio(first, other, metric.better, metric.caution, metric.words) for other in others),
    )


def _cell(side: Side, metric: Metric) -> Cell:
    if metric.latency and side.withheld:
        return Cell("withheld", tone=Tone.MISSING, note=side.withheld)
    value = metric.value(side)
    if value is None:
        return Cell("–", tone=Tone.MISSING, note=metric.missing)
    return Cell(metric.text(value), value)
