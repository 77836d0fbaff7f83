"""The user's repository is left as it was, whatever happens to the gate."""

import signal

import pytest

from tests.support.cli import started, until
from tests.support.gate import edit, make_shop, without_target
from tests.support.git import git
from tests.support.listing import listing


def busy_checkout(folder):
    """A detached merge commit, with something stashed, something staged, something changed and something untracked."""
    shop = make_shop(folder / "shop")
    without_target(shop)
    git(shop, "commit", "-q", "-a", "-m", "benchmarks alone")
    git(shop, "checkout", "-q", "-b", "change")
    edit(shop, "s = 0", "s = 1")
    git(shop, "commit", "-q", "-a", "-m", "mine")
    git(shop, "checkout", "-q", "--detach", "main")
    git(shop, "merge", "-q", "--no-ff", "--no-edit", "change")
    edit(shop, "s = 1", "s = 2")
    git(shop, "stash")
    edit(shop, "s = 1", "s = 3")
    git(shop, "add", "-A")
    edit(shop, "s = 3", "s = 4")
    (shop / "untracked.txt").write_text("mine\n")
    return shop


def seen(shop):
    """Return everything in the checkout but the folder of runs."""
    return {
        name: facts for name, facts in listing(shop).items() if name != "." and not name.startswith("runs")
    }


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_gate_that_is_ended_leaves_the_repository_as_it_was(tmp_path, monkeypatch, number):
    shop = busy_checkout(tmp_path)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    status = git(shop, "status", "--porcelain")
    before = seen(shop)
    with started("gate", "--suite", "micro", cwd=shop) as process:
        # Both checkouts are made, and slots run.
        until(lambda: list(temporary.glob("*/*/shop")), process)
        process.send_signal(number)
        process.wait(60)
    assert seen(shop) == before
    assert git(shop, "status", "--porcelain") == status
    assert git(shop, "worktree", "list").count("\n") == 0
