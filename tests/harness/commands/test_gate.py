"""A pull request played through: each kind of change, and `harness gate` from the outside."""

import functools
import json
import os
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from harness.cli import main
from harness.exact.process import ExactPlan
from harness.session.allowance import Allowance
from harness.session.receipt import SessionPlan
from harness.session.receipt_file import read_receipt
from harness.work import sessions
from tests.support.cli import inside, sentence_of
from tests.support.gate import comparison, edit, leftovers, make_shop, without_target
from tests.support.git import git
from tests.support.judge import count
from tests.support.listing import unwritten

WALL = "test_total"
FEW = ExactPlan(requests=5, repetitions=2)
SHORT = SessionPlan(slices=10, slice_ns=1_000_000)
"""Blocks as in any session, since a busy machine spoils some; slices that show a change to the double."""


def new_shop(folder):
    shop = make_shop(folder / "shop")
    # A plain status would write the index again: its times say nothing yet.
    os.utime(shop / "shop" / "work.py", (1, 1))
    return shop


@pytest.fixture
def shop(tmp_path):
    folder = new_shop(tmp_path)
    yield folder
    assert leftovers(folder) == [], "a session's folder was left"


def counted_anew(measure):
    """Count a few of the requests that are counted otherwise."""
    return functools.partial(measure, plan=FEW)


def gate(shop, *words, counting=counted_anew, **environment):
    """Gate in this process; return what it said, and the document. `counting` changes what counts requests."""
    with pytest.MonkeyPatch.context() as patch, unwritten(shop / ".git"):
        for name in ("count_exactly", "trace_exactly"):
            patch.setattr(sessions, name, counting(getattr(sessions, name)))
        said = inside(shop, "gate", "--json", *words, **environment)
    assert "error" not in said.document, said.document
    return said, said.document


def calls_in_the_text(_supervisor, base, candidate, _folder):
    """Count in what stands in the code that each side would run."""
    calls = [
        float((side.overlay / "shop" / "work.py").read_text().count("self._query(event)"))
        for side in (base, candidate)
    ]
    return [count(calls[:1], calls[1:], benchmark="buy", metric="calls.stock")]


def files_of(shop, found):
    folder = (shop / found["receipt"]).parent
    return {path.name: path for path in folder.iterdir()}


ADDED_AND_SAVED = (
    "self._query(event)\n",
    'if event == "buy":\n            self._query(event)\n            self._query(event)\n',
)
ACCEPTED = """
[[tool.harness.accepted]]
match = "buy"
metric = "*"
reason = "stock is counted twice now"
expires = 2999-01-01
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A shop in which buying asks the back end once more and looking once less, and what the gate said of it."""
    shop = new_shop(tmp_path_factory.mktemp("changed"))
    edit(shop, *ADDED_AND_SAVED)
    said, found = gate(shop, "--suite", "exact", "--report-only", GITHUB_ACTIONS="true")
    assert leftovers(shop) == [], "a session's folder was left"
    return shop, said, found


def test_a_change_that_adds_a_call_fails_exactly_and_says_so_everywhere(changed):
    shop, said, found = changed
    calls = comparison(found, "calls.stock", "buy")
    assert (calls["verdict"], calls["kind"]) == ("regressed", "exact")
    assert (calls["base"], calls["candidate"]) == (1, 2)
    # Only reporting finds the same, and succeeds.
    assert (said.code, found["exit_code"], found["verdict"]) == (0, 3, "regressed")
    assert "exit code 3" in said.stderr
    # The document is alone on stdout; what GitHub reads stands beside it.
    assert "::error title=" in said.stderr
    again = inside(shop, "judge", found["receipt"], GITHUB_ACTIONS="true")
    assert (again.code, "::error title=" in again.stdout) == (3, True)
    quiet = inside(shop, "judge", found["receipt"], GITHUB_ACTIONS="")
    assert (quiet.code, "::error" in quiet.stdout + quiet.stderr) == (3, False)


def test_a_change_that_saves_a_call_is_an_improvement_and_an_accepted_regression_beside_it_does_not_count(
    changed,
):
    shop, _, found = changed
    assert comparison(found, "calls.stock", "look")["verdict"] == "improved"
    (measured,) = found["measured"]
    assert measured == {
        "name": "shop", "base": "shop", "candidate": "shop", "base_compiled": [], "candidate_compiled": [],
    }  # fmt: skip
    policy = shop / "accepted.toml"
    policy.write_text((shop / "pyproject.toml").read_text() + ACCEPTED)
    known = read_receipt(shop / found["receipt"]).counts
    said, found = gate(shop, "--suite", "exact", "--policy", policy, counting=lambda _: lambda *_: known)
    calls = comparison(found, "calls.stock", "buy")
    assert (calls["verdict"], calls["accepted"]) == ("regressed", "stock is counted twice now")
    assert (said.code, found["verdict"]) == (0, "improved")


@pytest.mark.measures
def test_a_function_that_became_twice_as_slow_fails_with_its_name_in_every_file(shop, monkeypatch):
    """The whole of it on real slots: blocks, allocations and profiles, each as short as it can be."""
    edit(shop, "range(n)", "range(2 * n)")
    without_target(shop)
    monkeypatch.setattr(sessions, "plan_within", lambda *_: SHORT)
    monkeypatch.setattr(sessions, "trace_suite", functools.partial(sessions.trace_suite, repetitions=2))
    monkeypatch.setattr(sessions, "explain", functools.partial(sessions.explain, seconds=0.2))
    said, found = gate(shop, "--suite", "exact", "--suite", "micro")
    wall = comparison(found, "wall", WALL)
    assert (wall["verdict"], wall["p"] < 0.01) == ("regressed", True)
    assert wall["change"] == pytest.approx(1.0, abs=0.25)
    assert comparison(found, "allocations", WALL)["verdict"] == "regressed"
    assert found["exit_code"] == said.code == 3
    files = files_of(shop, found)
    receipt = json.loads(files["receipt.json"].read_text())
    made = Counter(block["phase"] for block in receipt["blocks"] if block["trouble"] is None)
    assert set(made) == {"screen", "confirm"}
    (suspects,) = (one for one in found["suspects"] if one["metric"] == "wall")
    assert [one["function"].partition(" ")[0] for one in suspects["functions"]] == ["total"]
    assert "Tested on 5 interleaved profiles a side" in suspects["note"]
    failed = [
        case.get("name")
        for case in ET.parse(files["junit.xml"]).iter("testcase")
        if case.find("failure") is not None
    ]
    assert any("allocations" in name for name in failed)
    assert any("wall" in name for name in failed)
    assert "test_total" in files["comment.md"].read_text()
    assert "test_total" in files["report.html"].read_text()
    again = inside(shop, "judge", files["receipt.json"], "--json")
    assert again.code == 3
    assert again.document["comparisons"] == found["comparisons"]


def test_a_budget_for_too_few_blocks_is_refused_before_anything_is_measured(shop, monkeypatch):
    # However long a busy machine takes to look at the suite.
    monkeypatch.setattr(sessions, "Allowance", functools.partial(Allowance, clock=lambda: 0.0))
    said = inside(shop, "gate", "--budget", "10s", "--json")
    assert said.code == 2
    assert "a budget of at least" in sentence_of(said.document)
    assert not list((shop / "runs").glob("*"))


def test_a_change_that_changes_nothing_passes_against_where_the_branch_left_its_base(shop):
    git(shop, "checkout", "-q", "-b", "change")
    (shop / "NOTES.md").write_text("mine\n")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "mine")
    git(shop, "checkout", "-q", "main")
    edit(shop, "self._query(event)\n", "pass\n")
    git(shop, "commit", "-q", "-a", "-m", "others save a call meanwhile")
    git(shop, "checkout", "-q", "change")
    # What stands in each side's code is enough to tell whose it is.
    said, found = gate(shop, "--suite", "exact", counting=lambda _: calls_in_the_text)
    (calls,) = found["comparisons"]
    assert (calls["base"], calls["candidate"], calls["verdict"]) == (1, 1, "ok")
    assert (said.code, found["verdict"]) == (0, "ok")
    assert "left main" in said.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gate", "--base", "nowhere"), "Revision 'nowhere' does not exist"),
        (("gate", "--base", "x; rm -rf ~ #"), "Revision 'x; rm -rf ~ #' does not exist"),
        (("compare", "git:main", "git:"), "names nothing"),
        (("compare", "main", "git:main"), "not a side to compare"),
        (("compare", "git:main", "path:/no/such/folder"), "is not a folder"),
        (("compare", "git:main", "target:known:noop"), "cannot be compared"),
        (("compare", "target:asset-core?variant=none", "target:known:noop"), "no variant 'none'"),
        (("gate", "--policy", "missing.toml"), "no policy file"),
        (("judge", "missing.json"), "no readable receipt"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_and_leaves_nothing(shop, words, sentence, monkeypatch, capsys):
    monkeypatch.chdir(shop)
    assert main(words) == 2
    assert sentence in capsys.readouterr().err
    runs = shop / "runs"
    assert not runs.exists() or not any(runs.iterdir())


def test_a_candidate_that_does_not_import_is_invalid_and_says_why(shop):
    edit(shop, "class Shop:", "import nothing_of_that_name\n\n\nclass Shop:")
    said, found = gate(shop)
    assert (said.code, found["verdict"]) == (5, "invalid")
    assert "nothing_of_that_name" in " ".join(one["note"] for one in found["comparisons"])


def test_a_shallow_clone_is_refused_with_the_command_that_helps(shop, monkeypatch, capsys):
    git(shop, "checkout", "-q", "-b", "change")
    git(shop, "commit", "-q", "--allow-empty", "-m", "mine")
    git(shop, "checkout", "-q", "main")
    git(shop, "commit", "-q", "--allow-empty", "-m", "theirs")
    clone = shop.parent / "clone"
    git(
        shop.parent, "clone", "-q", "--depth=1", "--no-single-branch", "-b", "change", f"file://{shop}", clone
    )
    monkeypatch.chdir(clone)
    assert main(["gate"]) == 2
    assert "git fetch --unshallow" in capsys.readouterr().err


def test_outside_a_repository_the_gate_says_so(tmp_path):
    said = inside(tmp_path, "gate")
    assert said.code == 2
    assert "git repository" in said.error
