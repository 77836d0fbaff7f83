"""The report of profile-only runs: what it claims and what it does not, read from stored rounds."""

import dataclasses
import json
import sys

import pytest
from page_reader import parsed

from harness.cli import main
from harness.errors import ExitCode
from harness.plans.plan import Span
from harness.profiles.stacks.folded import Profile, write_folded
from harness.profiling.document import ProfileDocument, ProfiledSide, Round, load, round_folder, write_sums
from harness.run.directory import PlanFacts, ProfileFacts, RunDirectory
from reports.profile import html, tested, text, view

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">\u202e"
SPAN = Span("steady", start_s=0, end_s=10, start_rate_per_s=10, end_rate_per_s=10)
FACTS = {
    "rate_asked_hz": 100, "rate_got_hz": 100.0, "samples": 300, "torn": 3, "looks": 1000, "overhead_share": 0.01,
    "overhead_low_share": 0.005, "overhead_high_share": 0.018, "overhead_budget_share": 0.02,
}  # fmt: skip


def test_no_profile_takes_the_room_of_the_others(tmp_path):
    sides = [load(store(tmp_path, Made(label, slow)).path) for label, slow in (("a", CALM), ("b", SLOWER))]
    (part,) = tested.tested(sides)
    many = dataclasses.replace(part, changes=part.changes * 30)
    table = tested.changed_table([many, part], ["a", "b"])
    assert len(table.rows) == 11
    assert table.notes == ("CPU: 20 more, see the profile's own table.",)


@dataclasses.dataclass
class Made:
    """One side to be stored: samples of `slow` in each round, beside 200 of `same`."""

    label: str
    slow: tuple
    session: str = "one"
    reason: str = ""
    lost: tuple = ()
    name: str = "slow"


def store(folder, made):
    directory = RunDirectory.create(folder, "closed", made.label[:5])
    document = ProfileDocument(
        scenario="closed", target="m.py:create", variant=made.label, subject=made.label, seed=1,
        started_at="2026-03-01T10:00:00", command="harness profile closed --rounds 5", plan=plan(),
        environment={"machine": {"cpu": "Example"}}, session=made.session, kinds=["cpu"], rounds_planned=5,
    )  # fmt: skip
    for number, slow in enumerate(made.slow, 1):
        place = round_folder(directory, "cpu", number)
        place.mkdir(parents=True)
        stacks = {("operation:a", f"{made.name} (m.py)"): slow, ("operation:a", "same (m.py)"): 200 + number}
        write_folded(place / "cpu.folded", Profile("samples", stacks))
        facts = ProfileFacts(file=f"cpu/round-{number:02d}/cpu.folded", facts=FACTS, requests={"a": 100})
        if made.reason and number in (made.lost or (number,)):
            facts = ProfileFacts(reason=made.reason)
        document.rounds.append(Round(number=number, turn={"cpu": 0}, profiles={"cpu": facts}))
    document.status = "finished"
    directory.write(document)
    write_sums(ProfiledSide(directory, document))
    return directory


def plan():
    return PlanFacts(
        executor="closed", arrivals="uniform", rate_per_s=1, users=2, think_time_s=0, duration_s=10, warmup_s=0,
        in_flight_limit=10, drain_s=5, spans=(SPAN,), operations={},
    )  # fmt: skip


def shown(folder, *made):
    sides = [load(store(folder, one).path) for one in made]
    return view.build(sides, tested.tested(sides))


CALM, SLOWER = (100, 101, 99, 102, 100), (150, 151, 149, 152, 150)


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
    assert "were not profiled in turns" in " ".join(report.points)


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
    assert report.sentence == "No function can be told apart between before and after."
    assert report.next_command.command == "harness profile closed --rounds 10"


def test_one_side_is_no_comparison_and_says_what_sampling_cost(tmp_path):
    report = shown(tmp_path, Made("alone", CALM))
    assert (report.changed.rows, report.counts.rows) == ((), ())
    points = " ".join(report.points)
    assert "1,500 CPU samples, 15 torn ones dropped" in points
    # Fifty of 5,000 looks: five times as many as in one round, and so a shorter interval.
    assert "cost it 1 % of the time (0.743 % to 1.32 %), within the budget of 2 %" in points


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
