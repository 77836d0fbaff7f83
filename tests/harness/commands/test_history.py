"""`harness history` from outside: creep that no gate sees, ledgers that were edited, and what a reader gets."""

import csv
import json

import pytest

from harness.judge.judge import judge
from harness.session.receipt_file import read_receipt
from harness.work import sessions
from tests.support.cli import inside
from tests.support.gate import edit, make_shop
from tests.support.git import git
from tests.support.judge import POLICY, count, of
from tests.support.ledgers import anchor, commit, entry, exact, stored, write

ALLOWED = "[tool.harness.history]\nallow-percent = 10\n"


def check(folder, *words):
    said = inside(folder, "history", "check", "--history", "ledger", "--json", *words)
    return said, said.document


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(ALLOWED)
    return folder


def test_ten_commits_of_two_percent_pass_the_gate_and_fail_the_check_of_the_history(project):
    places = [stored(project, number, {"a": 0.02, "b": 0.0}, sd=0.004) for number in range(1, 11)]
    for place in places:
        receipt = read_receipt(place)
        judged = judge(receipt, POLICY)
        assert judged.exit_code == 0
        assert of(judged, "a").verdict != "regressed"
    added = inside(project, "history", "add", *places, "--history", "ledger", "--json")
    assert added.code == 0
    assert all(one["lines"] for one in added.document["added"])
    said, found = check(project)
    assert (said.code, found["exit_code"]) == (3, 3)
    course = next(one for one in found["courses"] if (one["benchmark"], one["metric"]) == ("a", "wall"))
    assert course["standing"] == "grew"
    assert course["change"] == pytest.approx(1.02**10 - 1, abs=0.02)
    assert 0.10 < course["low"] < 1.02**10 - 1 < course["high"] < 0.30
    assert (course["steps"], course["unseen_steps"]) == (10, 10)
    assert "grew by" in found["sentence"]
    assert "allowed 10" in found["sentence"]
    assert {one["standing"] for one in found["courses"] if one["benchmark"] == "b"} == {"within"}


def test_a_session_is_added_once_wherever_it_is_added_from(project):
    place = stored(project, 1, {"a": 0.0})
    words = ("history", "add", place, "--history", "ledger", "--json")
    first, again = (inside(project, *words).document["added"][0]["lines"] for _ in range(2))
    assert (first > 0, again) == (True, 0)


def test_the_page_the_sparkline_and_the_table_say_the_same(project):
    write(project / "ledger", *(entry(number, 0.02) for number in range(1, 6)))
    said = inside(project, "history", "--history", "ledger", "--csv", "all.csv")
    assert (said.code, "▁" in said.stdout, "█" in said.stdout) == (0, True, True)
    assert "+10.5 %" in said.stdout
    page = (project / "ledger" / "history.html").read_text()
    assert "+10.5 %" in page
    assert page.count("<circle") == 6
    rows = list(csv.DictReader((project / "all.csv").read_text().splitlines()))
    assert [row["commit"] for row in rows] == [commit(number) for number in range(6)]
    assert float(rows[-1]["change"]) == pytest.approx(0.105, abs=0.001)
    assert (project / "ledger" / ".gitattributes").read_text() == "*.jsonl merge=union\n"


def test_a_ledger_merged_with_conflicts_is_read_as_far_as_it_can_be_and_the_rest_is_named(project):
    write(project / "ledger", *(entry(number, 0.03) for number in range(1, 5)))
    (place,) = (project / "ledger").glob("*.jsonl")
    first, second, third, fourth = place.read_text().splitlines()
    torn = second[: len(second) // 2]
    huge = third.replace('"effect":0.03', '"effect":9e99')
    conflict = ["<<<<<<< HEAD", first, "=======", second, ">>>>>>> other", torn, huge, first, third, fourth]
    place.write_text("\n".join([*conflict, '{"schema": 7}', "null", "\udcff"]), "utf-8", "surrogateescape")
    said, found = check(project)
    assert said.code == 3
    assert found["courses"][0]["change"] == pytest.approx(1.0305**4 - 1, abs=0.002)
    text = "\n".join(found["complaints"])
    for words in ("line 1: a mark of a merge", "line 3: a mark", "line 5: a mark", "line 6 is left out", "line 7 is left out",
                  "schema 7", "line 12 is left out", "line 13 is left out"):  # fmt: skip
        assert words in text
    assert len(found["complaints"]) == 8


def test_two_machines_have_two_courses_unless_the_project_says_that_they_are_a_fleet(project):
    other = {"cpu": "Other CPU", "cores": 64, "python": "CPython 3.11.2"}
    places = [
        stored(project, number, {"a": 0.02}, **({"environment": other} if number % 2 else {}))
        for number in range(1, 7)
    ]
    inside(project, "history", "add", *places, "--history", "ledger")
    said, found = check(project)
    assert {course["machine"] for course in found["courses"]} == {
        "Example CPU, 2 cores, CPython 3.11", "Other CPU, 64 cores, CPython 3.11",
    }  # fmt: skip
    # Every second step is missing on either machine, and what is not tied is not said to be well.
    assert {course["standing"] for course in found["courses"]} == {"untied"}
    assert said.code == 5
    assert any("2 machines" in one for one in found["complaints"])
    (project / "pyproject.toml").write_text(f'{ALLOWED}machines = "together"\n')
    said, found = check(project)
    assert found["courses"][0]["change"] == pytest.approx(1.02**6 - 1, abs=0.02)


def test_a_renamed_benchmark_keeps_its_course(project):
    old = [entry(number, 0.02, benchmark="test_a.py::old") for number in range(1, 4)]
    new = [entry(number, 0.02, benchmark="test_b.py::new") for number in range(4, 7)]
    write(project / "ledger", *old, *new)
    assert sorted(path.name for path in (project / "ledger").glob("*.jsonl")) == [
        "test_a.jsonl",
        "test_b.jsonl",
    ]
    assert len(check(project)[1]["courses"]) == 2
    renamed = '\n[[tool.harness.history.renamed]]\nfrom = "test_a.py::old"\nto = "test_b.py::new"\n'
    (project / "pyproject.toml").write_text(ALLOWED + renamed)
    said, found = check(project)
    (course,) = found["courses"]
    assert (course["benchmark"], course["steps"], said.code) == ("test_b.py::new", 6, 3)
    (project / "pyproject.toml").write_text(ALLOWED + renamed.replace("::old", "::typo"))
    assert any("'test_a.py::typo'" in one for one in check(project)[1]["complaints"])


def test_a_reference_that_no_longer_exists_is_named_and_the_courses_start_where_they_can(project):
    write(project / "ledger", *(entry(number, 0.03) for number in range(1, 6)))
    (project / "pyproject.toml").write_text(f'{ALLOWED}reference = "v0.9"\n')
    said, found = check(project)
    assert (said.code, found["reference"]) == (3, None)
    assert any("'v0.9' does not exist any more" in one for one in found["complaints"])


def test_growth_counts_from_the_reference_and_what_is_not_tied_to_it_cannot_pass(project):
    write(project / "ledger", *(entry(number, 0.03) for number in range(3, 7)), entry(1, 0.5))
    (project / "pyproject.toml").write_text(f'{ALLOWED}reference = "{commit(4)}"\n')
    said, found = check(project)
    assert (said.code, found["courses"][0]["since"]) == (0, commit(2))
    assert found["courses"][0]["change"] == pytest.approx(1.0305**2 - 1, abs=0.001)
    (project / "pyproject.toml").write_text(f'{ALLOWED}reference = "{commit(1)}"\n')
    said, found = check(project)
    assert (said.code, found["courses"][0]["standing"]) == (5, "untied")
    write(project / "ledger", anchor(6, 0.095, base=1))
    said, found = check(project)
    assert (said.code, found["courses"][0]["standing"]) == (0, "open")


def test_since_counts_from_a_commit_or_a_day_and_refuses_what_the_ledger_does_not_have(project):
    write(project / "ledger", *(entry(number, 0.03) for number in range(1, 6)))
    for since in (commit(3), commit(3)[-40:], "2026-11-04"):
        assert check(project, "--since", since)[1]["courses"][0]["change"] == pytest.approx(
            1.0305**2 - 1, abs=0.001
        )
    said = inside(project, "history", "--history", "ledger", "--since", "v7")
    assert (said.code, "no state since 'v7'" in said.error) == (2, True)


def test_exact_counts_are_followed_to_the_count(project):
    lines = [exact(1, 4, 4), exact(2, 4, 5), exact(3, 5, 5), exact(4, 5, 0), exact(5, 0, 2)]
    write(project / "ledger", *lines)
    _, found = check(project)
    (course,) = found["courses"]
    (change,) = course["change_points"]
    assert (change["after"], change["commit"], change["change"]) == (
        commit(1),
        commit(2),
        pytest.approx(0.25),
    )
    assert [point["value"] for point in course["points"]] == [4, 4, 5, 5]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("history",),
            "There is no ledger (performance-history). Begin one: harness gate --history performance-history",
        ),
        (("history", "check", "--history", "nowhere"), "There is no ledger (nowhere)"),
        (("history", "add"), "The following arguments are required: RECEIPT"),
        (("history", "frobnicate"), "choose from"),
        (("history", "add", "none.json"), "There is no readable receipt"),
        (("history", "anchor"), "outside of one"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(project, words, sentence):
    said = inside(project, *words)
    assert (said.code, sentence in said.error) == (2, True), said.error


def test_settings_that_have_no_effect_are_refused(project):
    for table, words in (
        ("allow = 3", "no setting 'history.allow'"),
        ("allow-percent = -3", "not valid"),
        ('machines = "some"', "not valid"),
        ("[[tool.harness.history.renamed]]\nfrom = 'a'", "not valid"),
    ):
        (project / "pyproject.toml").write_text(f"[tool.harness.history]\n{table}\n")
        said = inside(project, "history")
        assert (said.code, words in said.error) == (2, True), said.error
    # Every other command refuses them too, and a good table changes no policy.
    assert inside(project, "gate").code == 2


def test_a_session_that_is_no_evidence_or_of_no_commits_is_not_added(project):
    place = stored(project, 1, {"a": 0.0})
    document = json.loads(place.read_text())
    document["candidate"]["revision"] += "+changes"
    place.write_text(json.dumps(document))
    said = inside(project, "history", "add", place, "--history", "ledger", "--json")
    assert (said.code, said.document["added"]) == (2, [])
    assert "changes that are in no commit" in said.document["failed"][0]["error"]
    document["candidate"]["revision"] = None
    place.write_text(json.dumps(document))
    said = inside(project, "history", "add", place, "--history", "ledger", "--json")
    assert "is no commit" in said.document["failed"][0]["error"]


def in_the_text(_supervisor, base, candidate, _folder):
    """Count in what stands in the code that each side would run."""
    calls = [
        float((side.overlay / "shop" / "work.py").read_text().count("self._query(event)"))
        for side in (base, candidate)
    ]
    return [count(calls[:1] * 3, calls[1:] * 3, benchmark="buy", metric="calls.stock")]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "count_exactly", in_the_text)
    monkeypatch.setattr(sessions, "trace_exactly", lambda *_given: [])
    return make_shop(tmp_path / "shop")


def commit_of(shop, message):
    git(shop, "add", "-A", "shop")
    git(shop, "commit", "-q", "-m", message)
    return git(shop, "rev-parse", "HEAD")


def gate(shop, *words):
    return inside(shop, "gate", "--suite", "exact", "--no-report", "--history", "ledger", *words)


def test_the_gate_adds_its_commits_and_the_chain_goes_on_over_documents_and_the_ledger_itself(shop):
    first = git(shop, "rev-parse", "HEAD")
    edit(shop, "self._query(event)\n", "self._query(event)\n        self._query(event)\n")
    said = gate(shop)
    assert (said.code, "changes that are in no commit" in said.stderr) == (3, True)
    assert not (shop / "ledger").exists()
    second = commit_of(shop, "twice")
    # What lies beside the measured code is no change of it.
    (shop / "notes.txt").write_text("of the user")
    said = gate(shop, "--base", "HEAD~1")
    assert "1 line added to ledger" in said.stderr.replace("1 lines", "1 line")
    (shop / "README").write_text("words")
    git(shop, "add", "README", "ledger")
    git(shop, "commit", "-q", "-m", "words and the ledger")
    edit(
        shop, "self._query(event)\n        self._query(event)\n        ret", "self._query(event)\n        ret"
    )
    third = commit_of(shop, "once")
    gate(shop, "--base", "HEAD~1")
    git(shop, "remote", "add", "origin", "https://user:secret@github.com/one/shop.git")
    found = inside(shop, "history", "--history", "ledger", "--json").document
    (course,) = found["courses"]
    assert [point["commit"] for point in course["points"]][::3] == [first, third]
    assert [point["value"] for point in course["points"]] == [1, 2, 2, 1]
    assert (course["change"], course["untied"], course["steps"]) == (pytest.approx(0), [], 2)
    assert [point["subject"] for point in course["points"]][1:3] == ["twice", "words and the ledger"]
    page = (shop / "ledger" / "history.html").read_text()
    assert f'href="https://github.com/one/shop/commit/{second}"' in page
    assert "secret" not in page


def test_an_anchor_ties_head_to_the_reference(shop):
    git(shop, "tag", "v1")
    (shop / "pyproject.toml").write_text(
        (shop / "pyproject.toml").read_text() + '\n[tool.harness.history]\nreference = "v1"\n'
    )
    edit(shop, "self._query(event)\n", "self._query(event)\n        self._query(event)\n")
    commit_of(shop, "twice")
    (shop / "shop" / "work.py").write_text((shop / "shop" / "work.py").read_text() + "# more\n")
    commit_of(shop, "more")
    gate(shop, "--base", "HEAD~1")
    checked = inside(shop, "history", "check", "--history", "ledger", "--json")
    assert (checked.code, checked.document["courses"][0]["standing"]) == (5, "untied")
    said = inside(shop, "history", "anchor", "--history", "ledger", "--suite", "exact", "--no-report")
    assert said.code == 0, said.stderr
    checked = inside(shop, "history", "check", "--history", "ledger", "--json")
    (course,) = checked.document["courses"]
    assert (checked.code, course["is_reference"], course["change"]) == (3, True, pytest.approx(1.0))
    assert course["points"][-1]["is_anchored"]
    git(shop, "tag", "-d", "v1")
    assert "'v1' does not exist any more" in inside(shop, "history", "--history", "ledger", "--json").stdout
    assert inside(shop, "history", "anchor", "HEAD", "--history", "ledger").code == 2
