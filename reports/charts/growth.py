"""Draw sampled quantities over the time of the run, a small panel for each."""

from typing import Any

from matplotlib.figure import Figure

from harness.units import format_size
from reports.charts.data import GrowthPanel, GrowthPlot
from reports.charts.style import COLOURS, panels, plain_number, run_colour, run_dash, time_axis

_HEIGHT_IN = 1.7
_WARMUP = 1 / 3
_ROOM, _LEAST_ROOM = 0.12, 0.002
_MOST_STEPS = 4


def draw_growth(plot: GrowthPlot) -> Figure:
    """Draw each quantity on a scale of its own: a panel shows a course, and the table its size."""
    figure, all_axes = panels(len(plot.panels), _HEIGHT_IN, share_x=False, share_y=False)
    for axes, panel in zip(all_axes, plot.panels, strict=True):
        _draw(axes, panel)
    return figure


def _draw(axes: Any, panel: GrowthPanel) -> None:
    axes.set_title(panel.title)
    end_s = max(float(line.x[-1]) for line in panel.series)
    axes.axvspan(0, end_s * _WARMUP, color=COLOURS["muted"], alpha=0.1, linewidth=0, zorder=0)
    for line in panel.series:
        axes.plot(line.x, line.y, color=run_colour(line.run), linestyle=run_dash(line.run), linewidth=1.2)
    low = min(float(line.y.min()) for line in panel.series)
    high = max(float(line.y.max()) for line in panel.series)
    # A quantity that hardly moves is not drawn as if it did.
    room = max((high - low) * _ROOM, _LEAST_ROOM * high, 1.0)
    axes.set_ylim(max(low - room, 0), high + room)
    axes.set_xlim(0, end_s)
    axes.locator_params(axis="y", nbins=4)
    axes.yaxis.set_major_formatter((lambda value, _: format_size(value)) if panel.unit else plain_number)
    time_axis(axes, end_s, _MOST_STEPS)
