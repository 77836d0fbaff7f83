"""Over time, on real code: creep that no gate reports, and the commit that changed a benchmark among many."""

import random

import pytest

from tests.support.cli import harness
from tests.support.gate import make_shop, without_target
from tests.support.git import git

CREEP = 5
PATIENCE_S = 1_800.0
COMMITS = 32
# A loop without allocations: their count is exact, and would tell any step.
WORK = """
from itertools import repeat


def total(n):
    for _ in repeat(None, 10 * n * {loops} // 1000):
        pass
    return n
"""


def shop_of(folder):
    shop = make_shop(folder / "shop")
    without_target(shop)
    commit(shop, 1_000, "good")
    return shop


def commit(shop, loops, message, more=""):
    """Commit a state whose work is `loops` thousandths of the first one's; return its id."""
    (shop / "shop" / "work.py").write_text(WORK.format(loops=loops) + f"# {message}\n{more}")
    git(shop, "add", "-A")
    git(shop, "commit", "-q", "-m", message)
    return git(shop, "rev-parse", "HEAD")


@pytest.mark.proof
@pytest.mark.measures
def test_five_commits_of_two_percent_that_no_gate_reports_are_reported_by_the_history(tmp_path):
    """The margin is twice a step: near it, chance alone would have a noisy machine's gate report one of five."""
    shop = shop_of(tmp_path)
    (shop / "pyproject.toml").write_text((shop / "pyproject.toml").read_text() + "margin-percent = 4\n")
    git(shop, "commit", "-q", "-a", "-m", "margin")
    for number in range(1, CREEP + 1):
        commit(shop, round(1_000 * 1.02**number), f"change {number}")
        gated = harness(
            "gate",
            "total",
            "--base",
            "HEAD~1",
            "--suite",
            "micro",
            "--history",
            "ledger",
            "--no-report",
            cwd=shop,
            patience_s=PATIENCE_S,
        )
        assert gated.code == 0, gated.stderr
        assert "added to ledger" in gated.stderr
    said = harness("history", "check", "--history", "ledger", "--json", cwd=shop)
    course = next(one for one in said.document["courses"] if one["metric"] == "wall")
    assert (said.code, course["standing"], course["steps"]) == (3, "grew", CREEP)
    assert course["unseen_steps"] == CREEP
    assert course["low"] < 1.02**CREEP - 1 < course["high"]


@pytest.mark.proof
@pytest.mark.measures
@pytest.mark.parametrize("seed", range(10))
def test_the_commit_of_five_percent_is_found_among_thirty_two_some_of_which_do_not_build(tmp_path, seed):
    rng = random.Random(seed)
    shop = shop_of(tmp_path)
    culprit = rng.randint(2, COMMITS - 1)
    broken = set(rng.sample([number for number in range(1, COMMITS) if abs(number - culprit) > 1], 4))
    first, ids = git(shop, "rev-parse", "HEAD"), {}
    for number in range(1, COMMITS + 1):
        more = "raise SystemError\n" if number in broken else ""
        ids[number] = commit(shop, 1_050 if number >= culprit else 1_000, f"change {number}", more)
    said = harness(
        "bisect",
        first,
        "HEAD",
        "--benchmark",
        "total",
        "--json",
        "--seed",
        seed,
        cwd=shop,
        patience_s=PATIENCE_S,
    )
    found = said.document
    assert (said.code, found["commit"]) == (0, ids[culprit]), found
    assert found["low"] < 0.05 < found["high"] or abs(found["effect"] - 0.05) < 0.01
    assert {one["commit"] for one in found["skipped"]} <= {ids[number] for number in broken}
    assert git(shop, "status", "--porcelain") == ""
