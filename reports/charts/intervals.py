"""Draw changes with their intervals on a log axis of ratios: half and double are equally far from 1."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.charts.data import IntervalPlot, IntervalRow
from reports.charts.style import COLOURS, WIDTH_IN, letter_points, panels, run_colour
from reports.shared.visible import short

_LABEL = 48
_LEAST, _MOST = -0.98, 999.0
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
_MOST_TICKS = 5
_ROOM = 0.07
_TICK_LETTERS = 10
_GAP_POINTS, _FURNITURE_POINTS, _LEAST_POINTS = 9, 24, 120


def draw_intervals(plot: IntervalPlot) -> Figure:
    """Draw a dot with a line for each row, filled where the interval excludes zero, with its value at the end."""
    figure, (axes,) = panels(1, 0.8 + 0.27 * len(plot.rows))
    ends = [_place(value) for row in plot.rows for value in (row.value, row.low, row.high)]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    room = _ROOM * (high - low or 0.05)
    left, right, a_point = _room_for_values(plot, low - room, high + room)
    for place, row in enumerate(plot.rows):
        _draw_row(axes, place, row)
    axes.axvline(0.0, color=COLOURS["muted"], linewidth=1.0, linestyle=(0, (3, 2)))
    axes.set_yticks(
        range(len(plot.rows)), [short(row.label, _LABEL) for row in plot.rows], color=COLOURS["fg"]
    )
    axes.set_ylim(len(plot.rows) - 0.4, -0.6)
    axes.set_xlim(low - room - left, high + room + right)
    shown = _ticks(low - room, high + room, _TICK_LETTERS * letter_points() * a_point)
    axes.set_xticks(
        [_place(value) for value in shown], [f"{100 * value:+,.0f} %" if value else "0" for value in shown]
    )
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(plot.axis)
    return figure


def _room_for_values(plot: IntervalPlot, low: float, high: float) -> tuple[float, float, float]:
    """Return the room on either side of the axis for the values beside their intervals, and the size of a point."""
    names = max(len(short(row.label, _LABEL)) for row in plot.rows)
    width = WIDTH_IN * 72 - _FURNITURE_POINTS - names * letter_points()
    left, right = (
        max(
            (
                _GAP_POINTS + len(row.text) * letter_points()
                for row in plot.rows
                if (row.value < 0) is is_below
            ),
            default=0.0,
        )
        for is_below in (True, False)
    )
    a_point = (high - low) / max(width - left - right, _LEAST_POINTS)
    return left * a_point, right * a_point, a_point


def _draw_row(axes: Axes, place: int, row: IntervalRow) -> None:
    colour = run_colour(1 if row.value >= 0 else 0) if row.is_clear else COLOURS["muted"]
    axes.plot([_place(row.low), _place(row.high)], [place, place], color=colour, linewidth=2.2)
    axes.plot(
        [_place(row.value)], [place], "o", markersize=6, markeredgecolor=colour, markeredgewidth=1.4,
        markerfacecolor=colour if row.is_clear else COLOURS["panel"],
    )  # fmt: skip
    # The value is placed away from zero, so that the zero line does not cross it.
    is_below = row.value < 0
    end = min(row.low, row.value) if is_below else max(row.high, row.value)
    axes.annotate(
        row.text, (_place(end), place), xytext=(-7 if is_below else 7, 0), textcoords="offset points", color=colour,
        va="center", ha="right" if is_below else "left",
    )  # fmt: skip


def _place(value: float) -> float:
    """Return the logarithm of the ratio that a change stands for."""
    return math.log1p(min(max(value, _LEAST), _MOST))


def _ticks(low: float, high: float, least_gap: float) -> list[float]:
    """Return round changes within the logarithms `low` and `high`, zero among them, far enough apart to be read."""
    gap = max((high - low) / _MOST_TICKS, least_gap)
    chosen = [0.0]
    for sign in (1, -1):
        last = 0.0
        for step in _STEPS:
            value = sign * step
            if value > -1 and low <= _place(value) <= high and abs(_place(value) - last) >= gap:
                chosen.append(value)
                last = _place(value)
    return sorted(chosen)
