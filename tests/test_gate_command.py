"""A pull request played through: each kind of change, and `harness gate` from the outside."""

import json
import math
import os
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from gate_support import comparison, document, edit, git, harness, leftovers, make_shop
from listing import unwritten

from harness.cli import main
from harness.units import parse_duration_s

WALL = "test_total"


@pytest.fixture
def shop(tmp_path):
    folder = make_shop(tmp_path / "shop")
    # A plain status would write the index again: its times say nothing yet.
    os.utime(folder / "shop" / "work.py", (1, 1))
    yield folder
    assert leftovers(folder) == [], "a session's folder was left"


def gate(shop, *words, **environment):
    with unwritten(shop / ".git"):
        done = harness(shop, "gate", "--json", *words, **environment)
    return done, document(done)


def gate_with_little_time(shop, budget_s):
    """Gate with a little more than a budget that would have done; the machine may be busier by now."""
    while (
        done := harness(shop, "gate", "--json", "--budget", f"{math.ceil(1.3 * budget_s)}s")
    ).returncode == 2:
        budget_s = max(budget_asked_for(done), 1.5 * budget_s)
    return done, document(done)


def budget_asked_for(done):
    """Return the seconds that a refusal says would do."""
    why = json.loads(done.stdout)["error"]
    return parse_duration_s(re.search(r"a budget of at least (\w+)", why)[1])


def files_of(shop, found):
    folder = (shop / found["receipt"]).parent
    return {path.name: path for path in folder.iterdir()}


ADDED = ("self._query(event)\n", "self._query(event)\n        self._query(event)\n")
ACCEPTED = """
[[tool.harness.accepted]]
match = "*"
metric = "*"
reason = "stock is counted twice now"
expires = 2999-01-01
"""


def test_a_change_that_adds_a_call_fails_exactly_and_says_so_everywhere(shop):
    edit(shop, *ADDED)
    done, found = gate(shop, "--suite", "exact", "--report-only", GITHUB_ACTIONS="true")
    calls = comparison(found, "calls.stock", "buy")
    assert (calls["verdict"], calls["kind"]) == ("regressed", "exact")
    assert (calls["base"], calls["candidate"]) == (1, 2)
    # Only reporting finds the same, and succeeds.
    assert (done.returncode, found["exit_code"], found["verdict"]) == (0, 3, "regressed")
    assert "exit code 3" in done.stderr
    # The document is alone on stdout; what GitHub reads stands beside it.
    assert "::error title=" in done.stderr
    said = harness(shop, "judge", found["receipt"], GITHUB_ACTIONS="true")
    assert (said.returncode, "::error title=" in said.stdout) == (3, True)
    quiet = harness(shop, "judge", found["receipt"], GITHUB_ACTIONS="")
    assert (quiet.returncode, "::error" in quiet.stdout + quiet.stderr) == (3, False)


def test_an_accepted_regression_is_shown_and_does_not_count(shop):
    policy = shop / "pyproject.toml"
    policy.write_text(policy.read_text() + ACCEPTED)
    edit(shop, *ADDED)
    done, found = gate(shop, "--suite", "exact")
    calls = comparison(found, "calls.stock", "buy")
    assert (calls["verdict"], calls["accepted"]) == ("regressed", "stock is counted twice now")
    assert done.returncode == 0


def test_a_change_that_saves_a_call_is_an_improvement(shop):
    edit(shop, "self._query(event)\n", "pass\n")
    done, found = gate(shop, "--suite", "exact")
    assert comparison(found, "calls.stock", "look")["verdict"] == "improved"
    (measured,) = found["measured"]
    assert measured == {
        "name": "shop", "base": "shop", "candidate": "shop", "base_compiled": [], "candidate_compiled": [],
    }  # fmt: skip
    assert (done.returncode, found["verdict"]) == (0, "improved")


def test_a_budget_for_too_few_blocks_is_refused_and_what_it_asks_for_finds_a_slower_function(shop):
    done = harness(shop, "gate", "--budget", "1s", "--json")
    assert done.returncode == 2
    # It is refused before anything is measured.
    assert not list((shop / "runs").glob("*"))
    edit(shop, "range(n)", "range(2 * n)")
    done, found = gate_with_little_time(shop, budget_asked_for(done))
    wall = comparison(found, "wall", WALL)
    assert wall["change"] == pytest.approx(1.0, abs=0.25)
    assert comparison(found, "allocations", WALL)["verdict"] == "regressed"
    assert found["exit_code"] == done.returncode == 3
    files = files_of(shop, found)
    controls = found["controls"]
    receipt = json.loads(files["receipt.json"].read_text())
    made = Counter(block["phase"] for block in receipt["blocks"] if block["trouble"] is None)
    plan = receipt["plan"]
    if not receipt["cut"]:
        # What was carried out is what the plan came to say, whatever the budget made of it.
        assert made["screen"] == plan["screen_blocks"] >= 8
        assert made["confirm"] in {0, plan["confirm_blocks"]}
    # Seven blocks are the fewest whose signs can be told from chance at 1 %; a busy machine may spoil more.
    if receipt["cut"] or not controls["null"]["clean"] or controls["bad_blocks"] > 0.4 or wall["blocks"] < 7:
        assert wall["verdict"] == "inconclusive"
    else:
        assert (wall["verdict"], wall["p"] < 0.01) == ("regressed", True)
        suspects = [one for one in found["suspects"] if one["metric"] == "wall"]
        # Profiles take longer than such a budget lasts, unless confirmation took less of it than was planned.
        if suspects:
            # Profiles of a busy machine may differ too much among themselves: then none is named.
            named = [one["function"] for one in suspects[0]["functions"]]
            assert named[:1] == [name for name in named[:1] if name.startswith("total ")]
            assert "Tested on 5 interleaved profiles a side" in suspects[0]["note"]
        else:
            assert "no time to profile" in " ".join(found["reasons"])
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


def test_a_change_that_changes_nothing_passes_against_where_the_branch_left_its_base(shop):
    git(shop, "checkout", "-q", "-b", "change")
    (shop / "NOTES.md").write_text("mine\n")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", "mine")
    git(shop, "checkout", "-q", "main")
    edit(shop, "self._query(event)\n", "pass\n")
    git(shop, "commit", "-q", "-a", "-m", "others save a call meanwhile")
    git(shop, "checkout", "-q", "change")
    done, found = gate(shop, "--suite", "exact")
    assert {one["verdict"] for one in found["comparisons"]} == {"ok"}
    assert (done.returncode, found["verdict"]) == (0, "ok")
    assert "left main" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gate", "--base", "nowhere"), "There is no revision 'nowhere'"),
        (("gate", "--base", "x; rm -rf ~ #"), "git fetch origin 'x; rm -rf ~ #'"),
        (("compare", "git:main", "git:"), "names nothing"),
        (("compare", "main", "git:main"), "no subject"),
        (("compare", "git:main", "path:/no/such/folder"), "is no folder"),
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
    done, found = gate(shop)
    assert (done.returncode, found["verdict"]) == (5, "invalid")
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
    done = harness(tmp_path, "gate")
    assert done.returncode == 2
    assert "git repository" in done.stderr
