"""Data of the pointer readout of a chart: for each panel its position, its x axis and its lines."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.charts.data import (
    DistributionPlot,
    Floats,
    HeatMap,
    InFlightPanel,
    InFlightPlot,
    OverTimePlot,
    PercentilePlot,
    Plot,
    RatePanel,
    RatePlot,
    Series,
)
from reports.shared.visible import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS_PER_INCH = 72
# More digits than are shown: a value rounded twice may differ from the same value in a table.
_DIGITS = 7


def readout(plot: Plot, figure: "Figure") -> list[dict[str, Any]]:
    """Return the panels of a drawn figure; empty for charts that carry their values as text.

    `box` is left, top, width and height in the units of the SVG; `kind` of x is `percentile`, `seconds` or `ns`,
    of a line `ns`, `rate`, `calls` or `share`. Gaps are None.
    """
    width, height = (float(size) * _POINTS_PER_INCH for size in figure.get_size_inches())
    panels = []
    for axes, (kind, lines) in zip(figure.axes, _panels(plot), strict=False):
        place = axes.get_position()
        box = (place.x0 * width, (1 - place.y1) * height, place.width * width, place.height * height)
        limits = [float(limit) for limit in axes.get_xlim()]
        panels.append(
            {
                "box": [round(part, 1) for part in box],
                "x": {"kind": kind, "log": axes.get_xscale() == "log", "limits": limits},
                "lines": lines,
            }
        )
    return panels


def _panels(plot: Plot) -> list[tuple[str, list[dict[str, Any]]]]:
    match plot:
        case PercentilePlot():
            return [("percentile", [_line(one, "ns") for one in panel.series]) for panel in plot.panels]
        case DistributionPlot() | OverTimePlot():
            x, y = ("ns", "share") if isinstance(plot, DistributionPlot) else ("seconds", plot.unit)
            return [(x, [_line(one, y) for one in plot.series])]
        case HeatMap():
            return [
                ("seconds", [_binned(text, panel.run, values, panel.bin_s, "ns") for text, values in lines])
                for panel in plot.panels
                for lines in [((panel.tail, panel.tail_ns), ("p50", panel.p50_ns))]
            ]
        case RatePlot():
            return [("seconds", _rates(panel)) for panel in plot.panels]
        case InFlightPlot():
            return [("seconds", _in_flight(panel)) for panel in plot.panels]
        case _:
            return []


def _rates(panel: RatePanel) -> list[dict[str, Any]]:
    lines = [("completed", panel.completed), ("failed", panel.failed), ("dropped", panel.dropped)]
    if panel.planned is not None:
        lines.insert(0, ("planned", panel.planned))
    return [_binned(text, panel.run, values, panel.bin_s, "rate") for text, values in lines]


def _in_flight(panel: InFlightPanel) -> list[dict[str, Any]]:
    lines = [("in flight", panel.in_flight), ("waiting", panel.waiting)]
    return [_binned(text, panel.run, values, panel.bin_s, "calls") for text, values in lines]


def _binned(label: str, run: int, values: Floats, bin_s: float, kind: str) -> dict[str, Any]:
    middles = (np.arange(len(values)) + 0.5).astype(np.float64) * bin_s
    return _line(Series(label, run, middles, values), kind)


def _line(series: Series, kind: str) -> dict[str, Any]:
    return {
        "label": visible(series.label),
        "run": series.run,
        "kind": kind,
        "x": _rounded(series.x),
        "y": _rounded(series.y),
    }


def _rounded(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else float(f"{value:.{_DIGITS}g}") for value in values.tolist()]
