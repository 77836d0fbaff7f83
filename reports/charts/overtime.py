"""Draw charts over the time of the run, one panel for each run: response times as a heat map, and rates."""

from collections.abc import Sequence
from typing import Any

import matplotlib.colors
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.units import format_bytes, significant
from reports.charts.data import (
    Floats,
    HeatMap,
    HeatPanel,
    InFlightPanel,
    InFlightPlot,
    OverTimePlot,
    RatePanel,
    RatePlot,
    StageSpan,
)
from reports.charts.style import (
    COLOURS,
    LABEL,
    POINT_SIZE,
    TITLE,
    WIDTH_IN,
    direct_labels,
    letter_points,
    log_time_ticks,
    panels,
    plain_number,
    run_colour,
    time_axis,
)
from reports.shared.visible import short

_HEAT_IN = 2.9
_RATE_IN = 2.5
_DOTS = (0, (1.5, 1.5))
_LEAST_WAITING = 0.5
# Share of a panel's width without axis and labels, with some room between two names.
_PLOTTED = 0.72
_LEAST_LETTERS = 3
_BYTE_UNITS = (2**30, 2**20, 2**10, 1)

Line = tuple[str, Floats, str, Any]
"""A text, its values by time bin, a colour and a dash pattern."""


def draw_heat(plot: HeatMap) -> Figure:
    """Draw for each moment the shares of its calls by response time, with its median and p99."""
    figure, all_axes = panels(len(plot.panels), _HEAT_IN, share_x=False)
    for axes, panel in zip(all_axes, plot.panels, strict=True):
        _draw_heat_panel(axes, panel, plot)
    all_axes[0].set_ylabel("response time")
    for axes, panel in zip(all_axes, plot.panels, strict=True):
        ends = [
            (text, _last(values), COLOURS["fg"])
            for text, values in ((panel.tail, panel.tail_ns), ("p50", panel.p50_ns))
        ]
        direct_labels(axes, [end for end in ends if not np.isnan(end[1])], _HEAT_IN)
    return figure


def _draw_heat_panel(axes: Axes, panel: HeatPanel, plot: HeatMap) -> None:
    end_s = panel.bin_s * panel.shares.shape[1]
    axes.set_title(short(panel.label, TITLE), color=run_colour(panel.run))
    # A picture in axes coordinates: its rows are equal steps of the log axis that follows.
    axes.imshow(
        _tinted(panel.shares, run_colour(panel.run)), origin="lower", aspect="auto", interpolation="nearest",
        extent=(0, 1, 0, 1), transform=axes.transAxes, zorder=1,
    )  # fmt: skip
    axes.set_yscale("log")
    _frame(axes, panel.stages, end_s)
    axes.grid(visible=False)
    middles = (np.arange(panel.shares.shape[1]) + 0.5) * panel.bin_s
    axes.plot(middles, panel.tail_ns, color=COLOURS["fg"], linewidth=0.9, linestyle=(0, (3, 2)))
    axes.plot(middles, panel.p50_ns, color=COLOURS["fg"], linewidth=1.1)
    axes.set_xlim(0, end_s)
    axes.set_ylim(plot.low_ns, plot.high_ns)
    log_time_ticks(axes.yaxis, plot.low_ns, plot.high_ns)


def _tinted(shares: Floats, colour: str) -> Floats:
    """Return the run's colour, the more opaque the larger the share; transparent where there is no call."""
    picture = np.empty((*shares.shape, 4))
    picture[..., :3] = matplotlib.colors.to_rgb(colour)
    largest = float(shares.max()) or 1.0
    # The square root keeps single slow calls visible beside the bulk.
    picture[..., 3] = np.where(shares > 0, 0.12 + 0.83 * np.sqrt(shares / largest), 0.0)
    return picture


def _last(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known[-1]) if known.size else float("nan")


def draw_rates(plot: RatePlot) -> Figure:
    """Draw planned, completed, failed and dropped calls per second."""
    return _draw_steps(plot.panels, [_rates(panel) for panel in plot.panels], "calls per second")


def draw_in_flight(plot: InFlightPlot) -> Figure:
    """Draw the numbers of calls in flight and of calls due but not sent."""
    return _draw_steps(plot.panels, [_in_flight(panel) for panel in plot.panels], "calls")


def _rates(panel: RatePanel) -> list[Line]:
    """Return the lines of the panel without those that are always zero."""
    lines: list[Line] = [("completed", panel.completed, run_colour(panel.run), "solid")]
    if panel.planned is not None:
        lines.insert(0, ("planned", panel.planned, COLOURS["muted"], (0, (4, 2))))
    for text, line, dash in (("failed", panel.failed, "solid"), ("dropped", panel.dropped, _DOTS)):
        if line.any():
            lines.append((text, line, COLOURS["failed"], dash))
    return lines


def _in_flight(panel: InFlightPanel) -> list[Line]:
    """Return the lines of the panel; waiting calls have one only if they are more than occasional."""
    lines: list[Line] = [("in flight", panel.in_flight, run_colour(panel.run), "solid")]
    if panel.waiting.max() >= _LEAST_WAITING:
        lines.append(("waiting", panel.waiting, COLOURS["muted"], _DOTS))
    if panel.users is not None:
        lines.append(("users", panel.users, COLOURS["fg"], (0, (4, 2))))
    return lines


def draw_over_time(plot: OverTimePlot) -> Figure:
    """Draw one line for each run."""
    figure, (axes,) = panels(1, _RATE_IN)
    end_s = max(float(one.x[-1]) for one in plot.series)
    top = max(float(one.y.max()) for one in plot.series) or 1.0
    axes.set_ylabel(plot.axis)
    _frame(axes, (), end_s)
    for one in plot.series:
        axes.plot(one.x, one.y, color=run_colour(one.run), linewidth=1.3)
    axes.set_xlim(0, end_s)
    axes.set_ylim(0, top * 1.12)
    if plot.unit == "bytes":
        # Round numbers of the unit that is written.
        size = next(size for size in _BYTE_UNITS if top >= 2 * size or size == 1)
        axes.set_yticks([tick * size for tick in MaxNLocator(6).tick_values(0, top / size)])
        axes.set_ylim(0, top * 1.12)
    axes.yaxis.set_major_formatter(lambda value, _: _written(value, plot.unit))
    direct_labels(
        axes,
        [(one.label, float(one.y[-1]), run_colour(one.run)) for one in plot.series if one.label],
        _RATE_IN,
    )
    return figure


def _written(value: float, unit: str) -> str:
    return format_bytes(value) if unit == "bytes" else significant(value)


def _draw_steps(
    shown: Sequence[RatePanel | InFlightPanel], drawn: Sequence[Sequence[Line]], axis: str
) -> Figure:
    figure, all_axes = panels(len(shown), _RATE_IN, share_x=False)
    top = max((float(values.max()) for lines in drawn for _, values, _, _ in lines), default=1.0) or 1.0
    all_axes[0].set_ylabel(axis)
    for axes, panel, lines in zip(all_axes, shown, drawn, strict=True):
        end_s = panel.bin_s * len(lines[0][1])
        axes.set_title(short(panel.label, TITLE), color=run_colour(panel.run))
        _frame(axes, panel.stages, end_s)
        edges = np.arange(len(lines[0][1]) + 1) * panel.bin_s
        for _, values, colour, dash in lines:
            axes.stairs(values, edges, color=colour, linewidth=1.3, linestyle=dash, baseline=None)
        axes.set_xlim(0, end_s)
        axes.set_ylim(0, top * 1.12)
        axes.yaxis.set_major_formatter(plain_number)
    for axes, lines in zip(all_axes, drawn, strict=True):
        ends = [(text, float(values[-3:].mean()), colour) for text, values, colour, _ in lines]
        direct_labels(axes, ends, _RATE_IN)
    return figure


def _frame(axes: Axes, stages: Sequence[StageSpan], end_s: float) -> None:
    """Label the time axis and shade every second stage; a single stage needs no name."""
    time_axis(axes, end_s)
    if len(stages) < 2:
        return
    for number, stage in enumerate(stages):
        if number % 2:
            axes.axvspan(stage.start_s, stage.end_s, color=COLOURS["muted"], alpha=0.1, linewidth=0, zorder=0)
        axes.text(
            (stage.start_s + stage.end_s) / 2, 0.99, _fitting(stage, end_s, axes), transform=axes.get_xaxis_transform(),
            ha="center", va="top", color=COLOURS["muted"], fontsize=POINT_SIZE - 1,
        )  # fmt: skip


def _fitting(stage: StageSpan, end_s: float, axes: Axes) -> str:
    """Return the stage's name, shortened to the room above it; the table of stages has the whole name."""
    spec = axes.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec else 1
    width_points = WIDTH_IN * 72 / columns * _PLOTTED * (stage.end_s - stage.start_s) / end_s
    letters = int(width_points / letter_points(POINT_SIZE - 1))
    return short(stage.label, min(letters, LABEL)) if letters >= _LEAST_LETTERS else ""
