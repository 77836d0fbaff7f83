"""Runs of unequal length side by side: each panel over time shows the whole of its own run."""

import numpy as np

from reports.charts.data import RatePanel, RatePlot
from reports.charts.overtime import draw_rates


def test_each_panel_over_time_ends_where_its_own_run_does():
    panels = tuple(
        RatePanel(f"run {number}", number, 0.1, None, *(np.ones(bins),) * 3, stages=())
        for number, bins in enumerate((20, 10))
    )
    figure = draw_rates(RatePlot(panels))
    assert [round(axes.get_xlim()[1], 6) for axes in figure.axes] == [2.0, 1.0]
