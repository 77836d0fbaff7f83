"""The report of micro-benchmarks: one view, the same words as text and HTML, inert to hostile names."""

import io
import re
from html.parser import HTMLParser

import pytest

from harness.errors import UsageError
from harness.micro.document import End
from harness.reading import microsummary
from reports.micro import html, text, view
from reports.shared.model import Status, Tone
from tests.support.micro_builder import ENVIRONMENT, entry, make_micro_run

A, B = "test_a.py::test_one", "test_b.py::test_two[x]"
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">'q' & \u202e"
NOT_A_COMPARISON = "Two bench runs are not a comparison"


def shown(tmp_path, *runs):
    """Build the view of runs given as (entries, document)."""
    return view.build(
        [microsummary.load(make_micro_run(tmp_path, *entries, **fields)) for entries, fields in runs]
    )


def as_text(made, width=100):
    stream = io.StringIO()
    text.render(made, stream, width)
    return stream.getvalue()


class Collector(HTMLParser):
    """Collects every element with its attributes, and the text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def one(tmp_path):
    return shown(tmp_path, ([entry(A, 0.001), entry(B, 2e-5, per_call=100, spread=0.3)], {}))


@pytest.fixture
def two(tmp_path):
    return shown(
        tmp_path,
        ([entry(A, 0.001), entry(B, 0.002)], {"variant": "optimised"}),
        ([entry(A, 0.005), entry(B, 0.0021)], {"variant": "baseline"}),
    )


def test_one_run_shows_every_time_of_every_benchmark(one):
    (table,) = one.tables
    assert table.columns == ("median", "each", "IQR", "min", "rounds", "per second")
    assert [(row.group, row.label, row.mark) for row in table.rows] == [
        ("test_a.py", "test_one", ""),
        ("test_b.py", "test_two[x]", "noisy"),
    ]
    first, second = table.rows
    assert [cell.text for cell in first.cells] == ["1 ms", "", "10 µs", "900 µs", "100", "1,000/s"]
    assert [cell.text for cell in second.cells] == ["20 µs", "200 ns", "6 µs", "18 µs", "100", "50,000/s"]
    assert (one.status, one.comparison) == (Status.GOOD, None)
    assert one.sentence == "Measured 2 benchmarks of optimised."


def test_several_runs_stand_side_by_side_and_small_factors_are_noise(two):
    rows = {row.label: row.cells for row in two.comparison.rows}
    assert [cell.text for cell in rows["test_one"]] == ["1 ms", "5 ms"]
    assert (rows["test_one"][1].ratio, rows["test_one"][1].tone) == (pytest.approx(5), Tone.WORSE)
    assert (rows["test_two[x]"][1].ratio, rows["test_two[x]"][1].tone) == (pytest.approx(1.05), Tone.SIMILAR)


@pytest.mark.parametrize("which", ["one", "two"])
def test_every_report_says_that_bench_runs_are_no_comparison_and_names_the_command_for_one(which, request):
    made = request.getfixturevalue(which)
    for said in (as_text(made), html.render(made)):
        assert NOT_A_COMPARISON in said
        assert "harness compare " in said
        assert made.next_command.command in said


def test_two_variants_lead_to_their_comparison_and_a_single_run_to_that_of_revisions(one, two):
    assert two.next_command.command == "harness compare variant:optimised variant:baseline --suite micro"
    assert one.next_command.command == "harness compare git:HEAD path:. --suite micro"


def test_a_failed_benchmark_comes_first_and_leads_to_its_traceback(tmp_path):
    made = shown(tmp_path, ([entry(A), entry(B)], {"ends": {B: End("failed", "AssertionError: no")}}))
    assert made.status is Status.BAD
    assert made.sentence == f"{B} failed: measured 1 of 2 benchmarks of optimised."
    assert made.next_command.command == f"python -m pytest 'bench/{B}'"
    assert [(row.label, row.cells[0].text) for row in made.missing.rows] == [
        (B, "failed: AssertionError: no")
    ]
    assert "Not measured" in as_text(made)


def test_the_same_label_twice_is_numbered(tmp_path):
    made = shown(tmp_path, ([entry(A)], {}), ([entry(A)], {}))
    assert [card.label for card in made.cards] == ["optimised #1", "optimised #2"]


def test_what_one_run_lacks_is_a_dash_beside_the_other(tmp_path):
    made = shown(tmp_path, ([entry(A)], {}), ([entry(B)], {"variant": "baseline"}))
    assert [[cell.text for cell in row.cells] for row in made.comparison.rows] == [
        ["1 ms", "–"],
        ["–", "1 ms"],
    ]


def test_facts_that_differ_between_the_runs_are_told_apart(tmp_path):
    made = shown(
        tmp_path,
        ([entry(A)], {}),
        ([entry(A)], {"environment": {**ENVIRONMENT, "cpu": "another"}}),
    )
    assert [(row.label, [cell.text for cell in row.cells]) for row in made.differences.rows] == [
        ("cpu", ["one", "another"])
    ]


def test_no_run_is_no_report():
    with pytest.raises(UsageError, match="no run to report"):
        view.build([])


@pytest.mark.parametrize("which", ["one", "two"])
def test_text_and_page_hold_every_cell(which, request):
    made = request.getfixturevalue(which)
    page = " ".join(" ".join(Collector(html.render(made)).words).split())
    lines = as_text(made, 200)
    for row in (made.comparison or made.tables[0]).rows:
        assert row.label in lines
        assert all(cell.text in lines for cell in row.cells)
    for table in (*made.tables, made.environment, *filter(None, [made.comparison])):
        for row in table.rows:
            assert all(cell.text in page for cell in (row.cells))
            assert row.label in page


def test_no_line_of_the_text_is_wider_than_asked(two):
    said = as_text(two, 80).splitlines()
    assert max(len(line) for line in said if not line.startswith("  harness")) <= 80


def test_hostile_names_stay_text(tmp_path):
    hostile = f"test_a.py::{HOSTILE}"
    fields = {
        "variant": HOSTILE, "suite": HOSTILE, "command": HOSTILE, "environment": {HOSTILE: HOSTILE},
        "broken": {HOSTILE: HOSTILE}, "ends": {B: End("failed", HOSTILE)}, "trouble": [HOSTILE],
    }  # fmt: skip
    made = shown(tmp_path, ([entry(hostile), entry(B)], fields))
    page = Collector(html.render(made))
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    assert "\u202e" not in "".join(page.words) + as_text(made)
    assert HOSTILE.replace("\u202e", "\\u202e") in " ".join(page.words)


def test_the_page_needs_nothing_from_outside_and_repeats_no_id(two):
    page = Collector(html.render(two))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert all((attributes.get(key) or "#").startswith("#") for key in ("src", "href"))
    targets = [a["href"][1:] for tag, a in page.elements if tag == "a"]
    assert set(targets) <= set(ids)
    assert not re.search(r"url\((?!#)", html.render(two))
