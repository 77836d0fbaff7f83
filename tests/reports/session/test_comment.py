"""The comment on a pull request: regressions first, within its size, and inert whatever it is made of."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.judge.verdict import Comparison, Kind, Site, Verdict
from harness.session.receipt import FunctionChange, Suspects
from reports.session.comment import MOST_BYTES, render_comment
from reports.session.model import Links
from reports.session.view import build
from reports.shared.card import CardFacts, Rate
from reports.shared.markdown import code, prose
from reports.shared.visible import visible
from tests.support import judgement_builder as built
from tests.support.comment_reader import read, stray_rows

ALLOWED = {
    "p", "strong", "code", "ul", "ol", "li", "h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "span",
}  # fmt: skip
HOSTILE = [
    "a | b", "`a`", "``", "a\\", "\\|", "</details>", "<img src=x onerror=alert(1)>", "@everyone", "mail@example.org",
    "#12", "GH-12", "www.example.org", "https://example.org", "[a](https://b)", "![a](b)", "**a**", "__a__", "~~a~~",
    "a\n\n# b\n| c |", "1. a", "- a", "+ a", "# a", "> a", "&lt;b&gt;", "$x$", "<!-- a", "|---|", "    a", "---", "",
]  # fmt: skip


def comment(judgement, **more):
    return render_comment(build(judgement, built.receipt(), Links(), **more))


def hostile_session(name):
    note = Suspects(
        benchmark=name,
        metric=name,
        functions=[FunctionChange(function=name, base=1.0, candidate=2.0, unit="ns")],
    )
    return built.judgement(
        Comparison(name, name, Kind.PAIRED, Verdict.REGRESSED, note=name, accepted=None),
        Comparison(name, "x", Kind.PAIRED, Verdict.INCONCLUSIVE, note=name),
        verdict=Verdict.REGRESSED,
        reasons=(name,),
        suspects=(note,),
        controls=built.controls(reasons=(name,)),
    )


def test_the_verdict_comes_first_then_what_regressed():
    text = comment(built.regressed_session())
    places = [text.index(words) for words in ("## Performance: regressed", "2 of 13 benchmarks", "### Regressed", "### Inconclusive", "functions that changed", "How far to trust")]  # fmt: skip
    assert places == sorted(places)


def test_functions_that_changed_are_folded_and_said_to_be_told_apart():
    text = comment(built.regressed_session())
    inside = text[text.index("functions that changed") :]
    assert text[: text.index("functions that changed")].rstrip().rpartition("\n")[2].startswith("<details>")
    assert "differ by more than they differ among themselves" in inside
    assert "merge.py:combine" in inside


def test_where_no_function_could_be_named_the_comment_says_what_it_would_take():
    nothing = Suspects(
        benchmark="bench_merge", metric="wall", functions=[], note="It would take 5,000 samples."
    )
    text = comment(built.judgement(verdict=Verdict.REGRESSED, suspects=(nothing,)))
    assert "functions that changed, self per call: It would take 5,000 samples." in read(text).prose


FORMS = {
    "ok": built.judgement(built.paired(), verdict=Verdict.OK),
    "nothing compared": built.judgement(verdict=Verdict.OK),
    "regressed": built.regressed_session(),
    "invalid": built.judgement(verdict=Verdict.INVALID, reasons=("the base is not there",)),
    "inconclusive": built.judgement(built.paired(verdict=Verdict.INCONCLUSIVE), verdict=Verdict.INCONCLUSIVE),
    "interrupted": built.judgement(built.paired(), code=ExitCode.INTERRUPTED),
}


@pytest.mark.parametrize("form", FORMS)
def test_only_rows_are_rows_of_a_table_in_whatever_form_the_comment_has(form):
    named = [FunctionChange(function="m.py:f", base=1.0, candidate=2.0, unit="ns")]
    judged = FORMS[form]
    sites = tuple(Site(f"m.py:f{number}", 1.0, 2.0) for number in range(40))
    more = built.exact("GET /a|b`c", Verdict.REGRESSED, 1.0, 2.0, sites=sites, note="a | b")
    suspects = Suspects(benchmark="b", metric="wall", functions=named, note="Of 40,000 samples a side.")
    judged = dataclasses.replace(judged, comparisons=(*judged.comparisons, more), suspects=(suspects,))
    rate = Rate(effect="+3 %", by="the gate", k=97, n=100, low=0.9, high=0.99)
    card = CardFacts(
        measured_at="2026-02-27",
        machine="CPU",
        configuration="12",
        rates=[rate],
        applies=False,
        note="A note.",
    )
    text = comment(judged, card=card)
    cells = {cell for row in read(text).rows for cell in row if cell}
    assert not [cell for cell in cells if "samples a side" in cell or cell == "A note."]
    assert "Of 40,000 samples a side." in read(text).prose


def test_a_sentence_behind_a_row_without_an_empty_line_is_found_out():
    assert stray_rows("| a |\n| --- |\n| b |\nA sentence.") == ["A sentence."]
    assert stray_rows("A sentence.\n| a |\n| --- |") == ["| a |"]
    assert stray_rows("| a |\n| --- |\n| b |\n\nA sentence.") == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_they_are_and_do_nothing(name):
    page = read(comment(hostile_session(name)))
    assert page.tags <= ALLOWED
    assert [row[1:3] for row in page.rows if row[0] == "regressed"] == [
        [visible(name).strip(), visible(name).strip()]
    ]
    assert not re.search(r"@\w|#\d|GH-\d|www\.|://", page.prose)
    if name.strip():
        assert page.prose.replace("\u200b", "").count(visible(name).strip().rstrip(".")) >= 3


@given(st.text(max_size=30))
def test_any_text_survives_as_code_and_as_prose(text):
    page = read(f"| a |\n| --- |\n| {code(text)} |\n\n- {prose(text)}\n")
    seen = visible(text).strip()
    assert page.tags <= ALLOWED
    assert page.rows == [[seen]]
    assert page.prose.replace("\u200b", "").strip().startswith("a")


def test_a_name_longer_than_anyone_reads_is_cut():
    assert len(code("x" * 5000)) < 250


@pytest.mark.parametrize("count", [700, 3000])
@pytest.mark.parametrize("name", ["scenarios/micro/test_core.py::test_bench", "ü|" * 90])
def test_the_comment_never_exceeds_its_size_and_says_what_is_cut(count, name):
    many = [built.exact(f"{name}_{number}", Verdict.REGRESSED, 1.0, 2.0) for number in range(count)]
    text = comment(built.judgement(*many, verdict=Verdict.REGRESSED, code=ExitCode.LIMIT_BROKEN))
    assert len(text.encode()) <= MOST_BYTES
    shown = len([row for row in read(text).rows if row[0] == "regressed"])
    assert shown > 50
    assert f"This comment is cut to fit: {count - shown:,} comparisons" in text


def test_many_sections_together_do_not_exceed_the_size():
    verdicts = (Verdict.REGRESSED, Verdict.INCONCLUSIVE, Verdict.IMPROVED, Verdict.OK)
    some = [
        built.exact(f"{verdict}_{number}", verdict, 1.0, 2.0) for verdict in verdicts for number in range(400)
    ]
    assert len(comment(built.judgement(*some, verdict=Verdict.REGRESSED)).encode()) <= MOST_BYTES


def test_a_single_reason_of_any_size_leaves_room_for_the_verdict():
    text = comment(built.judgement(reasons=("x" * 200_000,) * 3, verdict=Verdict.INVALID))
    assert len(text.encode()) <= MOST_BYTES
    assert "## Performance: invalid" in text


def test_nothing_is_said_of_a_cut_where_nothing_is_cut():
    assert "cut to fit" not in comment(built.regressed_session())
