"""Style of all charts: sizes, colours, axes. Colours are names; the page gives them their values.

Charts are drawn with the light colours. In SVG each is then replaced by a CSS variable of the page, so that a chart
follows the page into dark mode. Runs are told apart by dash pattern and label as well, never by colour alone.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.units import format_duration, format_ns, significant
from reports.shared.visible import short

WIDTH_IN = 8.6
POINT_SIZE = 9.5
# Longer names are cut: the tables hold them whole.
LABEL = 22
TITLE = 46
# Part of a panel's height taken by title, ticks and axis label.
_FURNITURE_POINTS = 52

# Each value occurs nowhere else in a chart, so that replacing it is safe.
COLOURS = {
    "fg": "#1a2027",
    "muted": "#5b6673",
    "rule": "#d5dce4",
    "panel": "#f4f6f9",
    "run-0": "#c25e00",
    "run-1": "#0b6bb3",
    "run-2": "#00805f",
    "run-3": "#a1498c",
    "run-4": "#6f5b00",
    "run-5": "#44515f",
    "failed": "#b3261e",
    "part-lag": "#4a5561",
    "part-queue": "#d0ad12",
    "part-run": "#0f7b63",
    "part-busy": "#a9528f",
    "part-idle": "#b9c6d3",
    "part-service": "#4d7c72",
}
_RUNS = 6
_TIME_STEPS_S = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400,
)  # fmt: skip
_DASHES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)))

RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    # A name may hold dollar signs.
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": POINT_SIZE,
    "axes.edgecolor": COLOURS["rule"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.titlecolor": COLOURS["fg"],
    "axes.titlesize": POINT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": COLOURS["rule"],
    "grid.linewidth": 0.7,
    "text.color": COLOURS["fg"],
    "xtick.color": COLOURS["rule"],
    "ytick.color": COLOURS["rule"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["muted"],
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    "lines.linewidth": 1.8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def letter_points(size: float = POINT_SIZE) -> float:
    """Return the width of a letter or digit of the font, a little more than the mean of a text."""
    return 0.64 * size


def run_colour(run: int) -> str:
    """Return the colour of the n-th run."""
    return COLOURS[f"run-{run % _RUNS}"]


def run_dash(run: int) -> Any:
    """Return the dash pattern of the n-th run."""
    return _DASHES[run % len(_DASHES)]


def panels(
    count: int, height_in: float, *, share_x: bool = True, share_y: bool = True, columns: int = 2
) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` axes, side by side up to `columns`, that share their axes' limits."""
    columns = min(count, columns)
    lines = math.ceil(count / columns)
    figure = Figure(figsize=(WIDTH_IN, height_in * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=share_x and share_y, sharey=share_y, squeeze=False)
    axes = list(grid.flat)
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, axes[:count]


def log_time_ticks(axis: Any, low_ns: float, high_ns: float) -> None:
    """Label a log axis of nanoseconds at 1, 2, 5 steps (or decades, if many) with their units."""
    decades = math.log10(max(high_ns / max(low_ns, 1), 1.0001))
    steps = (1, 2, 5) if decades < 2.2 else (1, 3) if decades < 3.5 else (1,)
    first, last = math.floor(math.log10(max(low_ns, 1))), math.ceil(math.log10(high_ns))
    ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    axis.set_ticks([tick for tick in ticks if low_ns <= tick <= high_ns])
    axis.set_ticks([], minor=True)
    axis.set_major_formatter(lambda value, _: format_ns(value))


def time_axis(axes: Axes, end_s: float, most: int = 6) -> None:
    """Label the axis of the time in a run, with at most so many steps."""
    step_s = next((step for step in _TIME_STEPS_S if end_s / step <= most), _TIME_STEPS_S[-1])
    axes.set_xticks(np.arange(0, end_s * 1.0001, step_s))
    axes.xaxis.set_major_formatter(lambda value, _: format_duration(round(value, 3)) if value else "0")
    axes.set_xlabel("time in the run")
    axes.tick_params(labelbottom=True)


def plain_number(value: float, _place: object = None) -> str:
    """Return a tick's number without a scientific form."""
    return significant(value)


def direct_labels(axes: Axes, labels: Sequence[tuple[str, float, str]], height_in: float) -> None:
    """Write (text, y in data, colour) right of the axes, moved apart where they would cover one another.

    `height_in` is the height of the panel: the layout, which costs as much as a drawing, comes later.
    """
    gap = POINT_SIZE * 1.35 / (height_in * 72 - _FURNITURE_POINTS)
    to_axes = axes.transData - axes.transAxes
    placed = sorted((float(to_axes.transform((1.0, y))[1]), text, colour) for text, y, colour in labels)
    heights = spread([height for height, _, _ in placed], gap)
    for height, (_, text, colour) in zip(heights, placed, strict=True):
        axes.text(
            1.01, height, short(text, LABEL), color=colour, transform=axes.transAxes, va="center", ha="left"
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Return ascending `heights` moved as little as need be to stand `gap` apart and, if they fit, within 0 to 1."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else max(height, 0.0))
    ceiling = 1.0
    for number in reversed(range(len(placed))):
        placed[number] = min(placed[number], ceiling)
        ceiling = placed[number] - gap
    return placed
