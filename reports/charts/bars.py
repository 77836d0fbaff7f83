"""Draw bar charts: calls per request by back end, and the response time by its parts."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.units import format_ns, significant
from reports.charts.data import BarPlot, SplitPanel, SplitPlot
from reports.charts.style import COLOURS, LABEL, POINT_SIZE, panels, run_colour
from reports.shared.visible import short

_PART_COLOURS = {
    "lag_ns": "part-lag",
    "queue_ns": "part-queue",
    "run_ns": "part-run",
    "wait_busy_ns": "part-busy",
    "wait_idle_ns": "part-idle",
    "service_ns": "part-service",
}
_LIGHT_PARTS = {"wait_idle_ns", "queue_ns"}
_BAR = 0.72


def draw_bars(plot: BarPlot) -> Figure:
    """Draw one bar for each group and run, with its value at its end."""
    bars = len(plot.groups) * len(plot.runs)
    figure, (axes,) = panels(1, 0.75 + 0.25 * bars)
    step = _BAR / len(plot.runs)
    largest = max((value or 0.0 for group in plot.groups for value in group.values), default=0.0) or 1.0
    for place, group in enumerate(plot.groups):
        for run, value in enumerate(group.values):
            y = place + (run - (len(plot.runs) - 1) / 2) * step
            axes.barh(y, value or 0.0, height=step * 0.84, color=run_colour(run))
            words = "unknown" if value is None else significant(value)
            text = f"{words}  {short(plot.runs[run], LABEL)}" if len(plot.runs) > 1 else words
            axes.text((value or 0.0) + largest * 0.01, y, text, va="center", color=run_colour(run))
    axes.set_yticks(
        range(len(plot.groups)), [short(group.label, LABEL) for group in plot.groups], color=COLOURS["fg"]
    )
    axes.invert_yaxis()
    axes.set_xlim(0, largest * 1.3)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(plot.axis)
    axes.xaxis.set_major_formatter(lambda value, _: significant(value))
    return figure


def draw_split(plot: SplitPlot) -> Figure:
    """Draw stacked bars, each panel on its own scale, the total at the end of each bar."""
    bars = max(len(panel.bars) for panel in plot.panels)
    figure, all_axes = panels(len(plot.panels), 1.25 + 0.42 * bars, share_y=False)
    for axes, panel in zip(all_axes, plot.panels, strict=True):
        _draw_split_panel(axes, panel)
    used = {part for panel in plot.panels for bar in panel.bars for part, _ in bar.parts}
    names = [(part, label) for part, label in plot.labels if part in used]
    handles = [
        all_axes[0].barh([0], [0], color=COLOURS[_PART_COLOURS[part]], label=label) for part, label in names
    ]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=len(handles), frameon=False, fontsize=POINT_SIZE,
        handlelength=1.0, handleheight=1.0, columnspacing=1.4,
    )  # fmt: skip
    return figure


def _draw_split_panel(axes: Axes, panel: SplitPanel) -> None:
    axes.set_title(panel.title)
    whole = max(sum(value for _, value in bar.parts) for bar in panel.bars) or 1.0
    for place, bar in enumerate(panel.bars):
        start = 0.0
        for part, value in bar.parts:
            axes.barh(place, value, left=start, height=0.6, color=COLOURS[_PART_COLOURS[part]], linewidth=0)
            if value > 0.13 * whole:
                axes.text(
                    start + value / 2, place, format_ns(value), ha="center", va="center",
                    color="#ffffff" if part not in _LIGHT_PARTS else "#101418", fontsize=POINT_SIZE - 1.5,
                )  # fmt: skip
            start += value
        axes.text(start + whole * 0.015, place, format_ns(start), va="center", color=COLOURS["fg"])
    axes.set_yticks(
        range(len(panel.bars)), [short(bar.label, LABEL) for bar in panel.bars], color=COLOURS["fg"]
    )
    axes.set_xlim(0, whole * 1.22)
    axes.set_ylim(len(panel.bars) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(lambda value, _: format_ns(value) if value else "0")
    axes.locator_params(axis="x", nbins=5)
