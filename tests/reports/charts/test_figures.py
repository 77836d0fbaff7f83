"""Charts as pictures: what is drawn, how it is labelled, and that one page can hold them all."""

import dataclasses
import io
import re
from html import unescape

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.reading import summary
from harness.reading.judging import judge
from harness.units import significant
from reports.charts import figures
from reports.charts.data import BarGroup, BarPlot, Chart, InFlightPanel, InFlightPlot
from reports.charts.style import COLOURS, spread
from reports.run import view
from tests.support.run_builder import make_run

STAGES = (("before", 0.4, 1.0, 1.0), ("spike", 0.2, 5.0, 5.0), ("after", 0.4, 1.0, 1.0))


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    parent = tmp_path_factory.mktemp("runs")
    specs = ({"stages": STAGES}, {"stages": STAGES, "variant": "optimised", "service_ms": 0.5})
    return view.build([judge(summary.load(make_run(parent, **spec))) for spec in specs])


@pytest.fixture(scope="module")
def drawings(shown):
    return {chart.key: figures.draw(chart) for chart in shown.charts}


@pytest.fixture(scope="module")
def svgs(drawings):
    return {key: drawing.svg for key, drawing in drawings.items()}


def test_every_chart_of_the_view_is_drawn(svgs):
    expected = {
        "percentiles",
        "distribution",
        "heat",
        "rate",
        "in-flight",
        "service",
        "split",
        "operations",
        "by-stage",
        "load",
        "calls",
    }
    assert set(svgs) == expected


def test_axes_are_labelled_with_what_they_measure_and_ticks_carry_units(svgs):
    assert "percentile of calls (%)" in svgs["percentiles"]
    assert "response time" in svgs["percentiles"]
    assert re.search(r">\d+ ms<", svgs["percentiles"])
    assert "calls per second" in svgs["rate"]
    assert "time in the run" in svgs["heat"]


def test_runs_and_stages_are_named_in_the_chart_itself(svgs):
    for key in ("percentiles", "distribution", "heat", "rate", "split", "calls"):
        assert "baseline" in svgs[key]
        assert "optimised" in svgs[key]
    assert "spike" in svgs["heat"]


def test_colours_are_variables_of_the_page(svgs):
    text = "".join(svgs.values())
    assert not [name for name, colour in COLOURS.items() if colour in text]
    assert "var(--run-0)" in text
    assert "var(--run-1)" in text


def test_two_charts_share_no_id_and_every_reference_has_its_target(svgs):
    text = "".join(svgs.values())
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text)) <= set(ids)


def test_the_same_chart_is_the_same_text(shown, svgs):
    assert figures.draw(shown.charts[0]).svg == svgs[shown.charts[0].key]


def test_a_name_with_dollars_and_angles_is_text(tmp_path):
    name = "<b>$\\frac{$</b>"
    runs = [summary.load(make_run(tmp_path, variant=one)) for one in ("plain", name)]
    chart = view.build([*map(judge, runs)]).charts[0]
    assert "&lt;b&gt;$\\frac{$&lt;/b&gt;" in figures.draw(chart).svg


def test_what_a_chart_says_is_not_shortened_and_is_what_a_table_says_of_it():
    """Coordinates are cut to two decimals, ids and colours replaced; a number or a name of theirs is none of those."""
    name = 'v1.23456 id="" #1a2027'
    plot = BarPlot(("one",), (BarGroup(name, (0.958,)), BarGroup("other", (0.000072,))), "calls")
    svg = figures.draw(Chart("calls", "Calls", "", plot)).svg
    said = [unescape(text) for text in re.findall(r">([^<>]+)</text>", svg)]
    assert name in said
    assert {significant(0.958), significant(0.000072)} <= set(said)
    assert not [text for text in said if re.search(r"\de[-+]?\d", text)]


def test_a_readout_rounds_a_value_to_what_a_table_rounds_it_to():
    """0.35749 is 0.357; cut to four digits first it would be 0.3575, and then 0.358."""
    values = np.linspace(0.3, 0.9, 997)
    panel = InFlightPanel("", 0, 1.0, values, values, ())
    drawing = figures.draw(Chart("in-flight", "Calls", "", InFlightPlot((panel,))))
    told = drawing.readout[0]["lines"][0]["y"]
    assert [significant(one) for one in told] == [significant(value) for value in values]


def test_a_chart_drawn_once_is_what_savefig_writes_that_draws_twice(shown, svgs):
    (chart,) = [chart for chart in shown.charts if chart.key == "by-stage"]
    document = io.StringIO()
    with figures._drawn(chart.plot) as figure:
        figure.savefig(document, format="svg", metadata={"Date": None})
    assert figures._for_the_page(document.getvalue(), chart) == svgs["by-stage"]


def test_the_same_figures_are_written_as_png_files(shown, tmp_path):
    some = dataclasses.replace(shown, charts=shown.charts[::4])
    paths = figures.write(some, tmp_path / "figures")
    assert [path.stem for path in paths] == [chart.key for chart in some.charts] != []
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(shown, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="--figures"):
        figures.write(shown, tmp_path / "file" / "figures")


def test_labels_move_apart_and_stay_inside():
    assert spread([0.2, 0.8], 0.1) == [0.2, 0.8]
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.5, 0.6, 0.7])
    assert spread([0.98, 0.99], 0.1) == pytest.approx([0.9, 1.0])
    assert spread([-0.3, 0.02], 0.1) == pytest.approx([0.0, 0.1])


def test_a_readout_holds_the_lines_of_each_panel_inside_the_drawing(shown, drawings):
    (chart,) = [chart for chart in shown.charts if chart.key == "rate"]
    drawing = drawings["rate"]
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing.svg).groups())
    assert len(drawing.readout) == len(chart.plot.panels) == 2
    for panel, shown_panel in zip(drawing.readout, chart.plot.panels, strict=True):
        left, top, wide, high = panel["box"]
        assert 0 < left < left + wide < width
        assert 0 < top < top + high < height
        lines = {line["label"]: line["y"] for line in panel["lines"]}
        assert lines["completed"] == pytest.approx(list(shown_panel.completed), rel=1e-3)
        assert lines["planned"] == pytest.approx(list(shown_panel.planned), rel=1e-3)


def test_calls_in_flight_are_drawn_and_those_that_wait_only_where_some_do(tmp_path):
    slow = summary.load(make_run(tmp_path, harness_lag_ms=50.0, variant="late"))
    run = summary.load(make_run(tmp_path))
    (chart,) = [chart for chart in view.build([judge(run), judge(slow)]).charts if chart.key == "in-flight"]
    drawing = figures.draw(chart)
    assert drawing.svg.count(">in flight<") == 2
    assert drawing.svg.count(">waiting<") == 1
    lines = {line["label"]: line for line in drawing.readout[1]["lines"]}
    assert lines["waiting"]["kind"] == "calls"
    assert lines["waiting"]["y"] == pytest.approx(list(chart.plot.panels[1].waiting), rel=1e-3)


def test_labels_of_two_runs_that_peak_alike_stand_above_one_another(tmp_path):
    runs = [summary.load(make_run(tmp_path, variant=name)) for name in ("one", "two")]
    (chart,) = [chart for chart in view.build([*map(judge, runs)]).charts if chart.key == "distribution"]
    with figures._drawn(chart.plot) as figure:
        offsets = [text.xyann[1] for text in figure.axes[0].texts]
    assert offsets[1] - offsets[0] >= 10
