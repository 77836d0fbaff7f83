"""Draw a metric against the target rate, with the limit and the rates between which it is crossed."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.units import format_ns, format_percent, format_rate, format_rate_in_full
from reports.charts.data import CapacityPlot
from reports.charts.style import COLOURS, log_time_ticks, panels, run_colour
from reports.shared.visible import short

_LABEL = 30


def draw_capacity(plot: CapacityPlot) -> Figure:
    """Draw one mark for each probe, the limit as a line, and the answer as a band between two rates."""
    figure, (axes,) = panels(1, 3.2)
    is_time = plot.unit == "ns"
    values = [point.value for point in plot.points] + ([plot.limit] if plot.limit is not None else [])
    if is_time:
        axes.set_yscale("log")
        low, high = max(min(values), 1) / 1.4, max(values) * 1.6
        axes.set_ylim(low, high)
        log_time_ticks(axes.yaxis, low, high)
    else:
        axes.set_ylim(-0.03 * max(values, default=1.0), max(*values, 1e-6) * 1.15)
        axes.yaxis.set_major_formatter(lambda value, _: format_percent(value))
    axes.set_xlim(0, max(point.rate_per_s for point in plot.points) * 1.08)
    _draw_answer(axes, plot)
    _draw_points(axes, plot)
    if plot.limit is not None:
        text = format_ns(plot.limit) if is_time else format_percent(plot.limit)
        axes.axhline(plot.limit, color=COLOURS["failed"], linewidth=1.1, linestyle=(0, (5, 3)))
        axes.annotate(
            f"limit {text}", (0, plot.limit), xytext=(4, 4), textcoords="offset points",
            color=COLOURS["failed"],
        )  # fmt: skip
    axes.xaxis.set_major_formatter(lambda value, _: format_rate(value))
    axes.set_xlabel("planned calls per second")
    axes.set_ylabel(f"response time, {short(plot.metric, _LABEL)}" if is_time else "calls not completed")
    return figure


def _draw_answer(axes: Axes, plot: CapacityPlot) -> None:
    """Shade the range between the highest rate that held and the lowest that broke."""
    if plot.held_per_s is not None and plot.broke_per_s is not None:
        axes.axvspan(plot.held_per_s, plot.broke_per_s, color=COLOURS["rule"], linewidth=0)
    for rate, text, is_left in ((plot.held_per_s, "holds", True), (plot.broke_per_s, "breaks", False)):
        if rate is None:
            continue
        axes.axvline(rate, color=COLOURS["muted"], linewidth=0.9)
        axes.annotate(
            f"{text} {format_rate_in_full(rate)}", (rate, 0.99), xycoords=("data", "axes fraction"),
            xytext=(-4 if is_left else 4, -2), textcoords="offset points", color=COLOURS["fg"], va="top",
            ha="right" if is_left else "left",
        )  # fmt: skip


def _draw_points(axes: Axes, plot: CapacityPlot) -> None:
    styles = {"held": ("o", run_colour(1), True), "broke": ("X", run_colour(0), True)}
    for sight in ("held", "broke", "not settled"):
        mine = [point for point in plot.points if point.sight == sight]
        marker, colour, is_filled = styles.get(sight, ("o", COLOURS["muted"], False))
        if mine:
            axes.scatter(
                [point.rate_per_s for point in mine], [point.value for point in mine], s=34, marker=marker,
                facecolors=colour if is_filled else "none", edgecolors=colour, linewidths=1.1, zorder=3,
                clip_on=False,
            )  # fmt: skip
