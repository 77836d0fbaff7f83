"""The report of profile-only runs: what it claims and what it does not, read from stored rounds."""

import dataclasses
import io
import json
import sys

import pytest

from harness.cli import main
from harness.errors import ExitCode
from harness.profiling import compared
from harness.profiling.document import load
from reports.profile import html, tables, text
from tests.support.page_reader import parsed
from tests.support.profile_builder import CALM, SLOWER, Made, shown, store

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">\u202e"


def test_no_profile_takes_the_room_of_the_others(tmp_path):
    sides = [load(store(tmp_path, Made(label, slow)).path) for label, slow in (("a", CALM), ("b", SLOWER))]
    (part,) = compared.tested(sides)
    many = dataclasses.replace(part, changes=part.changes * 30)
    table = tables.changed_table([many, part], ["a", "b"])
    assert len(table.rows) == 11
    assert table.notes == ("CPU: 20 more, see the profile's own table.",)


def test_what_changed_is_named_with_both_times_and_its_interval(tmp_path):
    report = shown(tmp_path, Made("before", CALM), Made("after", SLOWER))
    (row,) = report.changed.rows
    assert row.label == "slow (m.py) · a"
    # 100 samples at 100 a second over 100 requests are 10 ms each.
    assert [cell.text for cell in row.cells[:3]] == ["10 ms", "15 ms", "+5 ms"]
    assert row.cells[-1].text == "changed"
    assert report.sentence == "Functions that changed from before to after: 1 by CPU."
    assert report.next_command.command.startswith("harness compare 'target:m.py:create?variant=before'")


def test_sides_of_two_sessions_are_told_not_to_be_interleaved_and_nothing_is_called_changed(tmp_path):
    report = shown(tmp_path, Made("before", CALM), Made("after", SLOWER, session="another"))
    assert {row.cells[-1].text for row in report.changed.rows} <= {"beyond sampling"}
    assert "were profiled one after the other" in " ".join(report.points)


def test_fewer_than_five_rounds_are_told_how_many_are_missing(tmp_path):
    report = shown(tmp_path, Made("before", CALM[:3]), Made("after", SLOWER[:3]))
    assert {row.cells[-1].text for row in report.changed.rows} <= {"beyond sampling"}
    assert "it takes 2 more" in " ".join(report.points)


def test_rounds_without_a_profile_are_told_with_the_reason_and_nothing_is_called_changed(tmp_path):
    lacking = Made("after", SLOWER, reason="No CPU profile: gone.", lost=(2, 3))
    report = shown(tmp_path, Made("before", CALM), lacking)
    assert "after: 2 of 5 rounds have no cpu profile. No CPU profile: gone." in report.points
    assert {row.cells[-1].text for row in report.changed.rows} <= {"beyond sampling"}


def test_what_is_the_same_names_nothing_and_proposes_more_rounds(tmp_path):
    report = shown(tmp_path, Made("before", CALM), Made("after", CALM))
    assert report.changed.rows == ()
    assert report.sentence == "No function changed beyond the detection limit between before and after."
    assert report.next_command.command == "harness profile closed --rounds 10"


def test_one_side_is_no_comparison_and_says_what_sampling_cost(tmp_path):
    report = shown(tmp_path, Made("alone", CALM))
    assert (report.changed.rows, report.counts.rows) == ((), ())
    points = " ".join(report.points)
    assert "1,500 CPU samples, 15 torn ones dropped" in points
    # Fifty of 5,000 looks: five times as many as in one round, and so a shorter interval.
    assert "cost 1 % of the time (0.743 % to 1.32 %), within the budget of 2 %" in points


def test_a_kind_without_a_profile_is_missing_data(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    directory = store(tmp_path, Made("alone", CALM, reason="No CPU profile: no rights."))
    assert main(["report", str(directory.path), "--json"]) == ExitCode.INVALID
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["missing"] == ["No CPU profile: no rights."]


def test_three_sides_are_refused(tmp_path, capsys):
    directories = [str(store(tmp_path, Made(name, CALM)).path) for name in ("a", "b", "c")]
    assert main(["report", *directories]) == ExitCode.USAGE
    assert "two by two" in capsys.readouterr().err


@pytest.fixture
def hostile(tmp_path):
    return shown(tmp_path, Made(HOSTILE, CALM, name=HOSTILE), Made("after", SLOWER, name=HOSTILE))


def test_hostile_names_do_nothing(hostile):
    page = parsed(html.render(hostile))
    assert not [tag for tag, _ in page.elements if tag == "img"]
    # It is shown, as text, wherever the sides and the functions are named.
    assert "".join(page.text).count("<img src=x") >= 5


def test_the_terminal_says_what_the_page_says(tmp_path, capsys):
    report = shown(tmp_path, Made("before", CALM), Made("after", SLOWER))
    text.render(report, sys.stdout, width=100)
    said = capsys.readouterr().out
    assert "slow (m.py) · a" in said
    assert "+5 ms" in said
    assert report.sentence in said


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window_and_no_script_complains(hostile, browser, tmp_path, width):
    path = tmp_path / "page.html"
    path.write_text(html.render(hostile))
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() != "owned"
    assert complaints == []
    page.close()


def test_long_names_of_functions_leave_the_answer_on_one_screen(tmp_path):
    long = ".".join(["Renderer"] * 9)
    sides = [
        Made(f"shop.py:create?items={size}", slow, name=long) for size, slow in ((10, CALM), (20, SLOWER))
    ]
    view = shown(tmp_path, *sides)
    rows = tuple(dataclasses.replace(view.changed.rows[0], label=f"{long} {number}") for number in range(6))
    view = dataclasses.replace(view, changed=dataclasses.replace(view.changed, rows=rows))
    stream = io.StringIO()
    text.render_brief(view, stream, width=100)
    assert stream.getvalue().count(rows[0].cells[2].text) >= 5
    assert len(stream.getvalue().splitlines()) <= 29
