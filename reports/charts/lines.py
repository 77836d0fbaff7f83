"""Draw line charts over a log axis of time: percentiles, distribution, response against throughput."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.units import format_rate
from reports.charts.data import DistributionPlot, LoadPlot, PercentilePlot, Series
from reports.charts.style import (
    COLOURS,
    LABEL,
    TITLE,
    direct_labels,
    log_time_ticks,
    panels,
    plain_number,
    run_colour,
    run_dash,
)
from reports.shared.visible import short

# Labels of peaks that are closer than this share of the axis would cover one another.
_LABEL_SHARE = 0.2
_PERCENTILES = ((1, "0"), (2, "50"), (10, "90"), (100, "99"), (1e3, "99.9"), (1e4, "99.99"), (1e5, "99.999"))


def draw_percentiles(plot: PercentilePlot) -> Figure:
    """Draw latency by percentile, the tail spread as in HdrHistogram plots."""
    is_single = len(plot.panels) == 1
    height_in = 3.1 if is_single else 2.4
    figure, all_axes = panels(len(plot.panels), height_in, columns=1 if is_single else 2)
    every = [series for panel in plot.panels for series in panel.series]
    for axes, panel in zip(all_axes, plot.panels, strict=True):
        axes.set_title(short(panel.title, TITLE))
        _draw_tails(axes, panel.series, every)
    for axes in all_axes:
        axes.set_xlabel("percentile of calls (%)")
        axes.tick_params(labelbottom=True)
    all_axes[0].set_ylabel("response time" if not plot.has_service else "time")
    for axes, panel in zip(all_axes, plot.panels, strict=True):
        _label_ends(axes, panel.series, height_in)
    return figure


def _draw_tails(axes: Axes, series: Sequence[Series], every: Sequence[Series]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for line in series:
        dash = (0, (3, 2)) if line.dashed else run_dash(line.run)
        axes.plot(line.x, line.y, color=run_colour(line.run), linestyle=dash)
        axes.plot(line.x[-1:], line.y[-1:], "o", color=run_colour(line.run), markersize=3.5)
    right = max(float(line.x[-1]) for line in every)
    ticks = [(x, text) for x, text in _PERCENTILES if x <= right * 1.01]
    axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(1, right * 1.05)
    low, high = (
        min(float(line.y.min()) for line in every) / 1.15,
        max(float(line.y[-1]) for line in every) * 1.2,
    )
    axes.set_ylim(low, high)
    log_time_ticks(axes.yaxis, low, high)


def _label_ends(axes: Axes, series: Sequence[Series], height_in: float) -> None:
    labels = [(line.label, float(line.y[-1]), run_colour(line.run)) for line in series]
    direct_labels(axes, labels, height_in)


def draw_distribution(plot: DistributionPlot) -> Figure:
    """Draw the share of calls by response time as filled steps."""
    figure, (axes,) = panels(1, 2.3)
    axes.set_xscale("log")
    low, high = float(plot.series[0].x[0]), float(plot.series[0].x[-1])
    peaks: list[float] = []
    for line in plot.series:
        colour = run_colour(line.run)
        axes.fill_between(line.x, line.y * 100, step="mid", color=colour, alpha=0.16, linewidth=0)
        axes.step(
            line.x, line.y * 100, where="mid", color=colour, linestyle=run_dash(line.run), linewidth=1.4
        )
        peak = int(line.y.argmax())
        place = math.log(line.x[peak]) / math.log(high / low)
        beneath = sum(abs(place - other) < _LABEL_SHARE for other in peaks)
        peaks.append(place)
        axes.annotate(
            short(line.label, TITLE), (line.x[peak], line.y[peak] * 100), xytext=(0, 4 + 12 * beneath), textcoords="offset points",
            color=colour, ha="center",
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(0, max(float(line.y.max()) for line in plot.series) * (118 + 8 * len(plot.series)))
    log_time_ticks(axes.xaxis, low, high)
    axes.set_xlabel("response time")
    axes.yaxis.set_major_formatter(plain_number)
    axes.set_ylabel("share of calls (%)")
    return figure


def draw_load(plot: LoadPlot) -> Figure:
    """Draw response against throughput: one mark for each moment."""
    figure, (axes,) = panels(1, 2.6)
    axes.set_yscale("log")
    for line in plot.series:
        colour = run_colour(line.run)
        face = "none" if line.dashed else colour
        axes.scatter(
            line.x, line.y, s=14, marker="^" if line.dashed else "o", facecolors=face, edgecolors=colour,
            linewidths=0.9, label=short(line.label, LABEL),
        )  # fmt: skip
    values = [float(value) for line in plot.series for value in line.y if value > 0]
    low, high = min(values) / 1.2, max(values) * 1.2
    axes.set_ylim(low, high)
    log_time_ticks(axes.yaxis, low, high)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda value, _: format_rate(value))
    axes.set_xlabel("completed calls per second")
    axes.set_ylabel("response time")
    axes.legend(frameon=False, labelcolor=COLOURS["fg"], loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
