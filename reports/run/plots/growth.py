"""Build the charts of what a run's process keeps."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.policy.growth import QUANTITIES, Course
from reports.charts.data import Chart, GrowthPanel, GrowthPlot, Series
from reports.run.sides import Side

# A line of more points looks the same.
_MOST_POINTS = 300


def growth_charts(sides: Sequence[Side]) -> Iterator[Chart]:
    """Yield a chart of the quantities that grow or may grow, and one of those that are flat in all runs."""
    judged = {
        name: {
            verdict.course
            for side in sides
            for verdict in side.judged.growth.verdicts
            if verdict.quantity.key == name
        }
        for name in QUANTITIES
    }
    flat = [name for name, courses in judged.items() if courses == {Course.FLAT}]
    others = [name for name, courses in judged.items() if courses - {Course.FLAT}]
    if others:
        yield _chart("growth", "Growth over time", others, sides)
    if flat:
        yield _chart("growth-flat", "Flat over time", flat, sides)


def _chart(key: str, title: str, names: Sequence[str], sides: Sequence[Side]) -> Chart:
    panels = tuple(
        GrowthPanel(
            QUANTITIES[name].name,
            "bytes" if QUANTITIES[name].unit == "B" else "",
            tuple(
                _series(side, number, name)
                for number, side in enumerate(sides)
                if name in side.judged.growth.series
            ),
        )
        for name in names
    )
    return Chart(
        key,
        title,
        "The lowest value of each moment of the measured time; the shaded first third counts as warm-up.",
        GrowthPlot(panels),
    )


def _series(side: Side, run: int, name: str) -> Series:
    """Return the lowest value of each of equal stretches of time."""
    series = side.judged.growth.series[name]
    times_s, values = np.array(series.times_s), np.array(series.values)
    starts = np.unique(
        np.linspace(0, len(values), min(len(values), _MOST_POINTS), endpoint=False).astype(int)
    )
    return Series(side.label, run, times_s[starts], np.minimum.reduceat(values, starts))
