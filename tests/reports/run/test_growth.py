"""Growth on the terminal and on the page."""

import pytest

from harness.reading.judging import judge
from harness.reading.summary import load
from reports.run.growth import growth_lines
from reports.run.plots.growth import growth_charts
from reports.run.sides import sides_of
from tests.support.sampled import make_soak
from tests.support.shown import markup_of, told

MB = 1e6


def leak(second):
    return 60 * MB + 5000 * second


def test_what_grows_is_told_first_and_by_call(tmp_path):
    built, words = told(make_soak(tmp_path, own_bytes=leak))
    assert "  growth: memory grows by 18 MB an hour (17." in words
    assert "B a call" in words
    assert "  growth: flat: Python blocks within" in words
    assert "descriptors within 1.5 an hour, threads within 1.5 an hour" in words
    first, *others = built.growth.rows
    assert (first.label, first.cells[0].text, first.cells[3].text) == ("memory", "18 MB", "grows")
    assert {row.cells[3].text.split()[0] for row in others} == {"flat"}
    markup = markup_of(built)
    assert 'id="chart-growth"' in markup
    assert markup.index("<summary>What was flat</summary>") < markup.index('id="chart-growth-flat"')


def test_a_short_run_says_nothing_of_growth(tmp_path):
    built, words = told(make_soak(tmp_path, 30))
    assert "growth" not in words
    assert not built.growth.rows
    assert 'id="growth"' not in markup_of(built)


def test_what_two_minutes_tell_is_a_line_for_each_course(tmp_path):
    _, words = told(make_soak(tmp_path, 120))
    flat, line = [line for line in words.splitlines() if "growth:" in line]
    assert flat == "  growth: flat: Python blocks within 4,500 an hour"
    assert line.startswith("  growth: memory, descriptors, threads, greenlets open: needs about ")
    assert line.endswith("more")


def test_a_load_that_changes_is_the_reason_on_the_page(tmp_path):
    built, words = told(
        make_soak(tmp_path, 120, changes={"stages": (("a", 1.0, 1.0, 1.0), ("b", 1.0, 2.0, 2.0))})
    )
    assert "growth" not in words
    assert "baseline: the load changes, and growth is judged under one load." in markup_of(built)


def test_two_runs_stand_side_by_side(tmp_path):
    built, words = told(
        make_soak(tmp_path), make_soak(tmp_path, changes={"variant": "other"}, own_bytes=leak)
    )
    assert [row.group for row in built.growth.rows] == ["baseline"] * 5 + ["other"] * 5
    assert "memory grows" in words


def test_every_quantity_has_one_panel_and_lines_are_short(tmp_path):
    sides = sides_of([judge(load(make_soak(tmp_path, own_bytes=leak)))])
    growing, flat = growth_charts(sides)
    assert [panel.title for panel in growing.plot.panels] == ["memory"]
    assert [panel.title for panel in flat.plot.panels] == [
        "Python blocks",
        "descriptors",
        "threads",
        "greenlets",
    ]
    (series,) = growing.plot.panels[0].series
    assert len(series.x) == 300
    assert series.y[0] == pytest.approx(60 * MB)


def test_an_open_limit_of_growth_asks_for_a_longer_run(tmp_path):
    built, words = told(make_soak(tmp_path, 120, slos=["fds<+0"]))
    assert "fds<+0: not certified: cannot tell: 0 an hour (-45 to 45); needs about 8 minutes more" in words
    assert "--duration 654s --slo 'fds<+0'" in built.next_command.command


def test_lines_are_none_without_samples(tmp_path):
    path = make_soak(tmp_path)
    (path / "timing" / "samples.jsonl").unlink()
    assert growth_lines(judge(load(path)).growth) == ()
