"""Where the dots of a plot stand: changes in blocks, their median and interval, the band of the margin.

Places are percentages of the plot's width, so that it follows the width of a page without stretching its text.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

from reports.shared.changes import change_text

_ROOM = 0.04
_FARTHEST = 6.0
"""What lies farther out than this many times what matters is drawn at the edge, as beyond it."""
_UNUSUAL = 3.0
"""Nor is anything within this many times the upper quartile of the sizes."""
_CLOSE_PERCENT = 1.7
"""Two dots closer than this would cover one another at the width of a page."""
_MOST_LEVELS = 7
_TICKS = 5
_ABSURD = 1e9
"""A change by more is no change of a program: it has no place on an axis."""
_LEAST_ROOM = 1e-6


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis of changes from `low` to `high`."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return where `value` stands, in percent of the width; what lies beyond an end stands at the end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def holds(self, value: float) -> bool:
        """Tell whether `value` lies within the axis."""
        return self.low <= value <= self.high


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """An interval with its median and the band of the margin, on a scale shared by a whole table."""

    zero: float
    band: tuple[float, float]
    """Left end and width, as of `interval`."""
    interval: tuple[float, float]
    median: float
    is_cut: bool
    """Whether a part of the interval lies beyond the scale."""


@dataclasses.dataclass(frozen=True, slots=True)
class Dot:
    """The change in one block. `level` counts upwards from the lane, where dots would cover one another."""

    place: float
    level: int
    beyond: str = ""
    """`low` or `high` for a dot drawn at the edge."""
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Lane:
    """Blocks of one kind; filled are those that the verdict rests on."""

    label: str
    filled: bool
    dots: tuple[Dot, ...]
    levels: int


@dataclasses.dataclass(frozen=True, slots=True)
class DotPlot:
    """The change in every block, on an axis of its own."""

    label: str
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float
    band: tuple[float, float] | None
    interval: tuple[float, float] | None
    median: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """What a plot is made from; `rests` are the blocks behind the verdict, `screened` those before confirmation."""

    rests: Sequence[float]
    screened: Sequence[float] = ()
    low: float | None = None
    high: float | None = None
    median: float | None = None
    margin: float | None = None
    unit: str = ""


def finite(values: Iterable[float | None]) -> list[float]:
    """Return the numbers among `values` that have a place on an axis."""
    return [value for value in values if value is not None and abs(value) < _ABSURD]


def dot_plot(changes: Changes, label: str) -> DotPlot | None:
    """Return the plot, or None if no block has a change."""
    rests, screened = finite(changes.rests), finite(changes.screened)
    if not rests and not screened:
        return None
    scale = scale_of([*rests, *screened], changes)
    lanes = [_lane("screened", screened, scale, changes.unit, filled=False)] if screened else []
    name = "confirmed" if screened else "blocks"
    lanes += [_lane(name, rests, scale, changes.unit, filled=True)] if rests else []
    median = finite([changes.median])
    return DotPlot(
        label,
        tuple(lanes),
        tuple((scale.place(tick), change_text(tick, changes.unit)) for tick in ticks(scale)),
        scale.place(0.0),
        band(scale, changes.margin),
        extent(scale, changes.low, changes.high),
        scale.place(median[0]) if median else None,
    )


def scale_of(values: Sequence[float], changes: Changes) -> Scale:
    """Return a scale that holds the values, zero and the margin, but no value far beyond all that matters."""
    margin = next(iter(finite([changes.margin])), 0.0)
    matters = finite([changes.low, changes.high, changes.median, margin, -margin, 0.0])
    usual = sorted(map(abs, values))[3 * len(values) // 4] if values else 0.0
    reach = max(_FARTHEST * max(map(abs, matters)), _UNUSUAL * usual) or 0.01
    low = min([*matters, *(max(value, -reach) for value in values)])
    high = max([*matters, *(min(value, reach) for value in values)])
    room = max(_ROOM * (high - low), _LEAST_ROOM)
    return Scale(low - room, high + room)


def band(scale: Scale, margin: float | None) -> tuple[float, float] | None:
    """Return the band of changes within the margin."""
    return extent(scale, -margin, margin) if margin is not None else None


def extent(scale: Scale, low: float | None, high: float | None) -> tuple[float, float] | None:
    """Return left end and width of a span; None unless both ends are known. An infinite end is the scale's."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    left = scale.place(low)
    return left, round(scale.place(high) - left, 2)


def ticks(scale: Scale) -> list[float]:
    """Return at most some six round values within the scale, zero among them if it is within."""
    raw = (scale.high - scale.low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
    return [number * step for number in range(first, last + 1)]


def _lane(label: str, values: Sequence[float], scale: Scale, unit: str, *, filled: bool) -> Lane:
    dots: list[Dot] = []
    ends: list[float] = []  # the last place taken on each level
    for value in sorted(values):
        place = scale.place(value)
        level = next((number for number, end in enumerate(ends) if place - end >= _CLOSE_PERCENT), len(ends))
        level = min(level, _MOST_LEVELS - 1)
        ends[level : level + 1] = [place]
        beyond = "" if scale.holds(value) else "low" if value < scale.low else "high"
        dots.append(Dot(place, level, beyond, change_text(value, unit)))
    return Lane(label, filled, tuple(dots), len(ends))
