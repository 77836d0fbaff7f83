"""Compute the positions of a dot plot: changes in blocks, their median and interval, the band of the margin.

Positions are percentages of the plot's width, so that it scales with a page without stretching its text.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

from reports.shared.changes import change_text

_ROOM = 0.04
_FARTHEST = 6.0
"""Multiple of the relevant size beyond which a dot is drawn at the edge of the plot."""
_UNUSUAL = 3.0
"""Multiple of the upper quartile of the sizes within which a dot is never drawn at the edge."""
_CLOSE_PERCENT = 1.7
"""Distance below which two dots would overlap at the width of a page."""
_MOST_LEVELS = 7
_TICKS = 5
_ABSURD = 1e9
"""Largest change shown on an axis; no real change of a program is larger."""
_LEAST_ROOM = 1e-6


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis of changes from `low` to `high`."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Return the position of `value` in percent of the width; values beyond an end are placed at the end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def holds(self, value: float) -> bool:
        """Return true if `value` lies within the axis."""
        return self.low <= value <= self.high


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """An interval with its median and the band of the margin, on a scale shared by a whole table."""

    zero: float
    band: tuple[float, float]
    """Left end and width, like `interval`."""
    interval: tuple[float, float]
    median: float
    is_cut: bool
    """True if a part of the interval lies beyond the scale."""


@dataclasses.dataclass(frozen=True, slots=True)
class Dot:
    """The change in one block. `level` counts upwards from the lane, where dots would overlap."""

    place: float
    level: int
    beyond: str = ""
    """`low` or `high` for a dot drawn at the edge."""
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Lane:
    """Blocks of one kind; those behind the verdict are filled."""

    label: str
    filled: bool
    dots: tuple[Dot, ...]
    levels: int


@dataclasses.dataclass(frozen=True, slots=True)
class DotPlot:
    """The change in every block, on its own axis."""

    label: str
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float
    band: tuple[float, float] | None
    interval: tuple[float, float] | None
    median: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """Data of a plot; `rests` are the blocks behind the verdict, `screened` those before confirmation."""

    rests: Sequence[float]
    screened: Sequence[float] = ()
    low: float | None = None
    high: float | None = None
    median: float | None = None
    margin: float | None = None
    unit: str = ""


def finite(values: Iterable[float | None]) -> list[float]:
    """Return the numbers among `values` that can be shown on an axis."""
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
    """Return a scale that includes the values, zero and the margin, but no extreme outlier."""
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
    ends: list[float] = []  # the last position taken on each level
    for value in sorted(values):
        place = scale.place(value)
        level = next((number for number, end in enumerate(ends) if place - end >= _CLOSE_PERCENT), len(ends))
        level = min(level, _MOST_LEVELS - 1)
        ends[level : level + 1] = [place]
        beyond = "" if scale.holds(value) else "low" if value < scale.low else "high"
        dots.append(Dot(place, level, beyond, change_text(value, unit)))
    return Lane(label, filled, tuple(dots), len(ends))
