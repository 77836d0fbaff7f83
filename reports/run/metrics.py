"""One figure of a run: its name, how to take it, how to print it, which way is better; and tables of them.

Ratios are against the first run. Stored or successive runs were not interleaved, so a ratio is marked only beyond
a caution factor, and nothing here claims significance: that is what `harness compare` is for.
"""

import dataclasses
import enum
from collections.abc import Callable, Sequence

from harness.units import format_ns, significant
from reports.run.sides import Side, heads
from reports.shared.model import Cell, Row, Table, Tone

# Two runs of identical code, one after the other on a shared two-core machine, differed by 26 % (standard
# deviation): a factor of 1.5 is about twice that, as logarithms. It is a rule of thumb and no test.
TIME_CAUTION = 1.5
# What is counted hardly depends on the machine, only on how calls happened to overlap.
COUNT_CAUTION = 1.1


class Better(enum.StrEnum):
    """Which way is good."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """How a figure is taken from a run. `latency` figures of an invalid run are withheld."""

    label: str
    value: Callable[[Side], float | None]
    text: Callable[[float], str] = format_ns
    better: Better = Better.LOWER
    caution: float = TIME_CAUTION
    latency: bool = False
    hint: str = ""
    missing: str = ""
    """Why a value can be missing."""


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
    return (first, *(with_ratio(first, other, metric.better, metric.caution) for other in others))


def _cell(side: Side, metric: Metric) -> Cell:
    if metric.latency and side.withheld:
        return Cell("withheld", tone=Tone.MISSING, note=side.withheld)
    value = metric.value(side)
    if value is None:
        return Cell("–", tone=Tone.MISSING, note=metric.missing)
    return Cell(metric.text(value), value)


def with_ratio(first: Cell, other: Cell, better: Better, caution: float) -> Cell:
    """Return `other` with its ratio to `first` and how to read it."""
    if first.value is None or other.value is None:
        return other
    if first.value == other.value:
        return dataclasses.replace(other, ratio=1.0, ratio_text="same", tone=Tone.SIMILAR)
    if first.value <= 0 or other.value <= 0:
        # From nothing or to nothing there is no factor, but there is a direction.
        text = "from 0" if first.value <= 0 else "to 0"
        return dataclasses.replace(other, ratio_text=text, tone=_tone(other.value < first.value, better))
    ratio = other.value / first.value
    text = f"{ratio_text(ratio)} ×"
    if 1 / caution <= ratio <= caution:
        return dataclasses.replace(other, ratio=ratio, ratio_text=text, tone=Tone.SIMILAR)
    return dataclasses.replace(other, ratio=ratio, ratio_text=text, tone=_tone(ratio < 1, better))


def ratio_text(ratio: float) -> str:
    """Return a factor with three significant digits, those that are zero as well: `1.00`, `11.0`."""
    rounded = float(f"{ratio:.2e}")
    places = next((places for most, places in ((1, 3), (10, 2), (100, 1)) if rounded < most), 0)
    return f"{ratio:.{places}f}" if ratio >= 0.1 else significant(ratio)


def _tone(is_lower: bool, better: Better) -> Tone:  # noqa: FBT001 - private, and read at one place
    if better is Better.NEITHER:
        return Tone.DIFFERENT
    return Tone.BETTER if is_lower == (better is Better.LOWER) else Tone.WORSE
