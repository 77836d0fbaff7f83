"""`harness compare` while things go wrong: a process of a side is killed, and the user presses Ctrl-C."""

import contextlib
import os
import signal

import pytest

from harness.errors import HarnessError
from harness.session.receipt_file import read_receipt
from tests.support.cli import end_of, inside, started, until
from tests.support.gate import leftovers, make_shop
from tests.support.git import git
from tests.support.processes import command_line, descendants, survivors


@pytest.fixture
def shop(tmp_path, monkeypatch):
    folder = make_shop(tmp_path / "shop")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    policy = folder / "pyproject.toml"
    policy.write_text(policy.read_text() + 'suites = ["micro"]\n')
    return folder


def blocks_of(shop, process, wanted):
    """Return the blocks of the running session as soon as they are what is wanted."""

    def looked():
        for path in (shop / "runs").glob("*/receipt.json"):
            try:
                blocks = read_receipt(path).blocks
            except HarnessError:
                return None
            return blocks if wanted(blocks) else None
        return None

    return until(looked, process)


def slots(process):
    return {pid for pid in descendants(process.pid) if b"slot_program" in command_line(pid)}


def spoil_a_block(shop, process):
    """Kill slots, one in a block, until a block is spoilt by it: one that was about to end is not missed."""
    blocks = blocks_of(shop, process, lambda blocks: blocks)
    while not any(block.trouble for block in blocks):
        known = len(blocks)
        with contextlib.suppress(ProcessLookupError):
            os.kill(min(until(lambda: slots(process), process)), signal.SIGKILL)
        blocks = blocks_of(shop, process, lambda blocks, known=known: len(blocks) > known and blocks)


def test_a_killed_slot_spoils_its_block_alone_and_ctrl_c_keeps_what_was_measured(shop):
    with started("compare", "git:main", "path:.", "--json", cwd=shop) as process:
        spoil_a_block(shop, process)
        blocks = blocks_of(
            shop, process, lambda blocks: any(one.trouble for one in blocks) and not blocks[-1].trouble
        )
        (spoilt,) = (one for one in blocks if one.trouble)
        below = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert survivors(below) == set()
    assert "slot" in spoilt.trouble
    assert spoilt.slices == {}
    assert said.code == 130
    assert said.document["exit_code"] == 130
    receipt = read_receipt(shop / said.document["receipt"])
    assert (receipt.interrupted, receipt.finished) == (True, False)
    assert receipt.blocks[: len(blocks)] == blocks
    assert git(shop, "worktree", "list").count("\n") == 0
    assert leftovers(shop) == []
    assert not list(shop.rglob("__pycache__"))
    again = inside(shop, "judge", said.document["receipt"], "--json")
    assert (again.code, again.document["comparisons"]) == (130, said.document["comparisons"])
    assert {one["verdict"] for one in again.document["comparisons"]} <= {"invalid", "inconclusive"}
