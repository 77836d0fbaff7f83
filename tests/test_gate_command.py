"""A pull request played through: each kind of change, and `harness gate` from the outside."""

import json
import xml.etree.ElementTree as ET

import pytest
from gate_support import comparison, document, edit, git, harness, leftovers, make_shop

WALL = "test_total"


@pytest.fixture
def shop(tmp_path):
    folder = make_shop(tmp_path / "shop")
    yield folder
    assert git(folder, "worktree", "list").count("\n") == 0, "a worktree was left"
    assert leftovers(folder) == [], "a session's folder was left"


def gate(shop, *words, **environment):
    done = harness(shop, "gate", "--json", *words, **environment)
    return done, document(done)


def files_of(shop, found):
    folder = (shop / found["receipt"]).parent
    return {path.name: path for path in folder.iterdir()}


def test_a_change_that_adds_a_call_fails_exactly_and_names_the_function(shop):
    edit(shop, "self._query(event)\n", "self._query(event)\n        self._query(event)\n")
    done, found = gate(shop, "--suite", "exact")
    calls = comparison(found, "calls.stock", "buy")
    assert (calls["verdict"], calls["kind"], calls["base"], calls["candidate"]) == (
        "regressed",
        "exact",
        1,
        2,
    )
    assert (done.returncode, found["exit_code"], found["verdict"]) == (3, 3, "regressed")


def test_a_change_that_changes_nothing_passes(shop):
    (shop / "NOTES.md").write_text("nothing\n")
    done, found = gate(shop, "--suite", "exact")
    assert {one["verdict"] for one in found["comparisons"]} == {"ok"}
    assert (done.returncode, found["verdict"]) == (0, "ok")


def test_a_change_that_saves_a_call_is_an_improvement(shop):
    edit(shop, "self._query(event)\n", "pass\n")
    done, found = gate(shop, "--suite", "exact")
    assert comparison(found, "calls.stock", "look")["verdict"] == "improved"
    assert (done.returncode, found["verdict"]) == (0, "improved")


def test_a_slower_function_regresses_in_every_format_and_is_named(shop):
    edit(shop, "range(n)", "range(2 * n)")
    done, found = gate(shop)
    wall = comparison(found, "wall", WALL)
    assert wall["change"] == pytest.approx(1.0, abs=0.25)
    assert comparison(found, "allocations", WALL)["verdict"] == "regressed"
    assert found["exit_code"] == done.returncode == 3
    files = files_of(shop, found)
    if found["controls"]["null"]["clean"] and found["controls"]["bad_blocks"] <= 0.4:
        assert (wall["verdict"], wall["blocks"] > 6, wall["p"] < 0.01) == ("regressed", True, True)
        (suspects,) = (one for one in found["suspects"] if one["metric"] == "wall")
        assert suspects["functions"][0]["function"].startswith("total ")
        assert "test_total" in files["comment.md"].read_text()
    failed = [
        case.get("name")
        for case in ET.parse(files["junit.xml"]).iter("testcase")
        if case.find("failure") is not None
    ]
    assert any("allocations" in name for name in failed)
    assert "test_total" in files["report.html"].read_text()
    again = harness(shop, "judge", str(files["receipt.json"]), "--json")
    assert again.returncode == 3
    assert document(again)["comparisons"] == found["comparisons"]


def test_only_reporting_finds_the_same_and_succeeds(shop):
    edit(shop, "self._query(event)\n", "self._query(event)\n        self._query(event)\n")
    done, found = gate(shop, "--suite", "exact", "--report-only")
    assert (done.returncode, found["exit_code"], found["verdict"]) == (0, 3, "regressed")
    assert "exit code 3" in done.stderr


def test_an_accepted_regression_is_shown_and_does_not_count(shop):
    policy = shop / "pyproject.toml"
    policy.write_text(
        policy.read_text()
        + '\n[[tool.harness.accepted]]\nmatch = "*"\nmetric = "*"\nreason = "stock is counted twice now"\nexpires = 2999-01-01\n'
    )
    edit(shop, "self._query(event)\n", "self._query(event)\n        self._query(event)\n")
    done, found = gate(shop, "--suite", "exact")
    calls = comparison(found, "calls.stock", "buy")
    assert (calls["verdict"], calls["accepted"]) == ("regressed", "stock is counted twice now")
    assert done.returncode == 0


def test_the_base_is_where_the_branch_left_it(shop):
    git(shop, "checkout", "-q", "-b", "change")
    (shop / "NOTES.md").write_text("mine\n")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "mine")
    git(shop, "checkout", "-q", "main")
    edit(shop, "self._query(event)\n", "pass\n")
    git(shop, "commit", "-q", "-a", "-m", "others save a call meanwhile")
    git(shop, "checkout", "-q", "change")
    done, found = gate(shop, "--suite", "exact")
    assert (done.returncode, found["verdict"]) == (0, "ok")
    assert "left main" in done.stderr


def test_annotations_are_for_github_alone(shop):
    edit(shop, "self._query(event)\n", "self._query(event)\n        self._query(event)\n")
    quiet = harness(shop, "gate", "--suite", "exact", GITHUB_ACTIONS="")
    assert "::error" not in quiet.stdout + quiet.stderr
    said = harness(shop, "gate", "--suite", "exact", GITHUB_ACTIONS="true")
    assert "::error title=" in said.stdout
    assert said.returncode == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gate", "--base", "nowhere"), "There is no revision 'nowhere'"),
        (("compare", "git:main", "git:"), "names nothing"),
        (("compare", "main", "git:main"), "no subject"),
        (("compare", "git:main", "path:/no/such/folder"), "is no folder"),
        (("compare", "git:main", "target:known:noop"), "cannot be compared"),
        (("compare", "target:asset-core?variant=none", "target:known:noop"), "no variant 'none'"),
        (("gate", "--policy", "missing.toml"), "no policy file"),
        (("judge", "missing.json"), "no readable receipt"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_and_leaves_nothing(shop, words, sentence):
    done = harness(shop, *words)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    runs = shop / "runs"
    assert not runs.exists() or not any(runs.iterdir())


def test_a_budget_for_too_few_blocks_is_refused_and_what_was_counted_is_kept(shop):
    done = harness(shop, "gate", "--budget", "1s", "--json")
    assert done.returncode == 2
    assert "budget" in json.loads(done.stdout)["error"]
    (receipt,) = (shop / "runs").glob("*/receipt.json")
    again = harness(shop, "judge", str(receipt), "--json")
    assert (again.returncode, document(again)["verdict"]) == (5, "invalid")


def test_a_candidate_that_does_not_import_is_invalid_and_says_why(shop):
    edit(shop, "class Shop:", "import nothing_of_that_name\n\n\nclass Shop:")
    done, found = gate(shop)
    assert (done.returncode, found["verdict"]) == (5, "invalid")
    assert "nothing_of_that_name" in " ".join(one["note"] for one in found["comparisons"])


def test_outside_a_repository_the_gate_says_so(tmp_path):
    done = harness(tmp_path, "gate")
    assert done.returncode == 2
    assert "git repository" in done.stderr
