"""Ablation: sorted by worth, and no effect is claimed where the interval holds zero."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.ablation import AblationRow
from harness.judge.verdict import Verdict
from reports.ablation.html import render_ablation_html
from reports.ablation.markdown import render_ablation_markdown
from reports.ablation.text import render_ablation_text
from reports.ablation.view import Effect, build_ablation, effect
from reports.charts import figures
from tests.support.comment_reader import read
from tests.support.page_reader import parsed

HOSTILE = "</script><img src=x onerror=alert(1)>$x$ | `a` @b"


def row(switch="batching", worth=0.2, low=0.1, high=0.3, verdict=Verdict.REGRESSED, **more):
    facts = {"operation": "GET /assets", "metric": "wall", **more}
    return AblationRow(
        switch=switch, worth=worth, low=low, high=high, verdict=verdict, **facts
    )  # fmt: skip


ROWS = [
    row("token_cache", 0.12, 0.10, 0.13),
    row("prefetch", 0.008, -0.01, 0.02, Verdict.INCONCLUSIVE),
    row("batching", 3.2, 3.05, 3.4, operation="POST /batch"),
    row("batching", 0.001, -0.004, 0.006, Verdict.OK, operation="GET /health"),
    row("compression", -0.07, -0.09, -0.05, Verdict.IMPROVED),
    row("pooling", None, None, None, Verdict.INVALID, note="the candidate fails"),
    row("l1_cache", 1.0, None, None, metric="calls.redis"),
]
VIEW = build_ablation(ROWS, "asset-core")


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (row(worth=0.2, low=0.1, high=0.3), Effect.SAVES),
        (row(worth=0.2, low=0.0, high=0.3), Effect.NONE),
        (row(worth=0.2, low=-0.1, high=0.3), Effect.NONE),
        (row(worth=-0.2, low=-0.3, high=0.0), Effect.NONE),
        (row(worth=-0.2, low=-0.3, high=-0.1), Effect.COSTS),
        (row(worth=0.5, low=None, high=None), Effect.SAVES),
        (row(worth=0.0, low=None, high=None), Effect.NONE),
        (row(worth=-0.5, low=None, high=None), Effect.COSTS),
        (row(worth=0.5, low=None, high=None, verdict=Verdict.OK), Effect.NONE),
        (row(worth=0.5, low=0.4, high=0.6, verdict=Verdict.OK), Effect.SAVES),
        (row(worth=None), Effect.UNKNOWN),
        (row(worth=float("nan")), Effect.UNKNOWN),
        (row(verdict=Verdict.INVALID), Effect.UNKNOWN),
    ],
)
def test_an_effect_is_claimed_only_where_the_interval_leaves_out_zero(made, shown):
    assert effect(made) is shown


def test_rows_are_sorted_by_worth_and_what_was_not_measured_comes_last():
    assert [one.cells[2].text for one in VIEW.table.rows] == [
        "+320 %", "+100 %", "+12.0 %", "+0.80 %", "+0.10 %", "−7.0 %", "–",
    ]  # fmt: skip


def test_each_switch_is_shown_where_it_matters_most_with_its_price():
    assert [(one.label, one.cells[0].text, one.cells[4].text) for one in VIEW.summary.rows] == [
        ("batching", "POST /batch", "saves"),
        ("l1_cache", "GET /assets", "saves"),
        ("token_cache", "GET /assets", "saves"),
        ("prefetch", "GET /assets", "no measurable effect"),
        ("compression", "GET /assets", "costs"),
        ("pooling", "GET /assets", "not measured"),
    ]


def summary_of(*rows):
    return [
        (one.cells[1].text, one.cells[2].text, one.cells[5].text) for one in build_ablation(rows).summary.rows
    ]


def test_a_clear_small_effect_stands_before_a_large_unclear_one():
    shown = summary_of(row(worth=0.5, low=-0.2, high=1.0), row(worth=0.1, low=0.05, high=0.15))
    assert shown == [("wall", "+10.0 %", "–")]


def test_time_speaks_before_calls_and_those_before_data_and_memory_however_large_the_rest_is():
    calls = row(worth=0.2, low=None, high=None, metric="calls.redis")
    sent = row(worth=5.0, low=None, high=None, metric="bytes_out.redis")
    peak = row(worth=9.0, low=None, high=None, metric="peak_bytes")
    assert summary_of(peak, sent, calls, row(worth=0.1, low=0.05, high=0.15)) == [("wall", "+10.0 %", "–")]
    assert summary_of(peak, sent, calls, row(worth=0.1, low=-0.05, high=0.15)) == [
        ("calls.redis", "+20.0 %", "–")
    ]
    assert summary_of(peak, sent) == [("bytes_out.redis", "+500 %", "–")]
    assert summary_of(peak) == [("peak_bytes", "+900 %", "–")]


def test_what_a_switch_costs_elsewhere_is_its_price_and_makes_no_cost_of_it():
    rows = [
        row(worth=2.2, low=2.0, high=2.4),
        row(worth=-0.43, low=None, high=None, metric="allocations"),
        row(worth=-0.1, low=-0.2, high=-0.05, operation="GET /health"),
        row(worth=-0.3, low=-0.7, high=0.2, operation="GET /unclear"),
    ]
    assert summary_of(*rows) == [("wall", "+220 %", "wall −10.0 %")]
    assert summary_of(*rows[:2]) == [("wall", "+220 %", "allocations −43.0 %")]
    (slower,) = build_ablation(
        [row(worth=-0.1, low=-0.2, high=-0.05), rows[1], row(worth=0.01, low=0.005, high=0.02)]
    ).summary.rows
    assert (slower.cells[4].text, slower.cells[5].text) == ("costs", "wall +1.0 %")


def test_half_as_much_is_as_large_an_effect_as_twice_as_much():
    assert (
        summary_of(row(worth=0.9, low=0.8, high=1.0), row(worth=-0.5, low=-0.6, high=-0.4))[0][1] == "−50.0 %"
    )
    assert (
        summary_of(row(worth=1.1, low=0.8, high=1.2), row(worth=-0.5, low=-0.6, high=-0.4))[0][1] == "+110 %"
    )


def test_disturbed_blocks_are_told():
    assert not any("disturbed" in words for words in VIEW.trust)
    said = build_ablation(ROWS, disturbed_share=0.47).trust
    assert any("The machine disturbed 47 % of the blocks" in words for words in said)


def test_the_sentence_names_the_most_and_those_without_effect():
    assert VIEW.sentence == (
        "Of 6 switches 2 save time; the most: batching, without which wall of POST /batch grows by 320 % (305 to 340 %); "
        "saving no time, but calls, data or memory: l1_cache; costing time: compression; without a "
        "measurable effect: prefetch; not measured: pooling."
    )
    assert build_ablation([]).sentence == "Nothing was measured."


def test_page_text_and_markdown_show_every_cell_of_the_summary():
    seen = " ".join(" ".join(parsed(render_ablation_html(VIEW)).text).split())
    printed = " ".join(render_ablation_text(VIEW, 200).split())
    written = read(render_ablation_markdown(VIEW)).rows
    for one, line in zip(VIEW.summary.rows, written, strict=True):
        assert line == [one.label, *(cell.text for cell in one.cells)]
        assert " ".join(line) in printed
        assert all(text in seen for text in line)
    assert VIEW.sentence in seen
    assert VIEW.sentence in printed


def test_every_row_is_folded_below_the_table_if_asked():
    text = render_ablation_markdown(VIEW, every_row=True)
    assert len(read(text).rows) == len(VIEW.summary.rows) + len(ROWS)
    assert "<details>" in text


def test_the_plot_tells_a_clear_effect_from_none_without_colour():
    (chart,) = VIEW.charts
    assert [one.is_clear for one in chart.plot.rows] == [True, True, True, False, True]
    svg = figures.draw(chart).svg
    for one in chart.plot.rows:
        assert one.text in svg
    assert "growth without the switch" in svg
    assert re.search(r">\+100 %<", svg)


def test_the_figure_is_written_as_a_picture(tmp_path):
    (path,) = figures.write(VIEW, tmp_path / "figures")
    assert path.name == "ablation.png"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_hostile_names_are_inert():
    view = build_ablation([row(HOSTILE, operation=HOSTILE, metric=HOSTILE, note=HOSTILE)], HOSTILE)
    elements = parsed(render_ablation_html(view)).elements
    assert not [tag for tag, _ in elements if tag == "img"]
    assert not read(render_ablation_markdown(view, every_row=True)).tags & {"img", "script", "a"}


@given(st.lists(st.builds(
    AblationRow, st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), *[st.one_of(st.none(), st.floats())] * 3, st.sampled_from(Verdict)
), max_size=4))  # fmt: skip
def test_every_ablation_has_a_view(rows):
    view = build_ablation(rows)
    assert len(view.table.rows) == len(rows)
    assert {one.label for one in view.summary.rows} == {one.switch for one in rows}
    render_ablation_text(view)
    render_ablation_markdown(view, every_row=True)


@pytest.mark.parametrize("worth", [-1.0, -0.5, 1e300, float("inf"), 0.0])
def test_a_plot_is_drawn_of_every_size(worth):
    for chart in build_ablation([row(worth=worth, low=None, high=float("inf")), row("b", 0.1)]).charts:
        assert figures.draw(chart).svg.startswith("<svg")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window(open_page, width):
    tab = open_page(render_ablation_html(VIEW), width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
