"""SIGKILL loses nothing that was measured, and leaves nothing behind that runs."""

import contextlib
import os
import signal

import numpy as np
import pytest

from harness.model import Outcome
from tests.support.cli import (
    document,
    end_of,
    facts,
    inside,
    journal,
    measured_child,
    returned,
    started,
    table,
    until_called,
)
from tests.support.processes import descendants, survivors


@contextlib.contextmanager
def in_the_middle(scenario, folder, engine="gevent"):
    """A run that would go on for long, with calls out; yields its process and its directory."""
    pace = ("--rate", 400) if scenario == "steady" else ("--users", 4)
    target = f"known:constant?service_ms=20&engine={engine}&journal={folder / 'journal'}"
    options = ("--target", target, *pace, "--duration", "20s", "--warmup", "100ms", "--json", "--no-report")
    with started("run", scenario, *options, "--out", folder / "runs") as process:
        yield process, until_called(folder / "runs", process)


def assert_agrees_with_journal(directory, path, scenario):
    """Every journalled call is in the table with its times; only calls in flight are in neither."""
    rows, records = table(directory), journal(path)
    came_back = returned(rows)
    # A call may have ended, and the process died, before its row was written: at most the one that had the loop.
    assert 0 <= len(records) - len(came_back) <= 1
    ended_ns = np.sort(records["end_ns"])[: len(came_back)] - facts(directory)["origin_ns"]
    assert (np.sort(came_back["completed_ns"]) >= ended_ns).all()
    assert np.sort(came_back["completed_ns"]) == pytest.approx(ended_ns, abs=20_000_000)
    # The four users of a closed model come back together, and may all be between two calls.
    if scenario == "steady":
        assert (rows["outcome"] == Outcome.UNFINISHED).any()


@pytest.mark.parametrize(
    ("scenario", "engine"), [("steady", "gevent"), ("closed", "gevent"), ("steady", "asyncio")]
)
def test_killing_the_measured_process_loses_no_call(tmp_path, scenario, engine):
    with in_the_middle(scenario, tmp_path, engine) as (process, directory):
        os.kill(measured_child(process), signal.SIGKILL)
        said = end_of(process)
    assert said.code == 5
    run = said.run
    assert run["validity"] == "invalid"
    assert "killed by SIGKILL" in " ".join(run["reasons"])
    assert sum(run["outcomes"].values()) == run["planned"]
    assert run["outcomes"]["completed"] >= 100
    assert "wrote none before its end" in run["profiles"]["wait"]["reason"]
    assert_agrees_with_journal(directory, tmp_path / "journal", scenario)
    again = inside(tmp_path, "report", directory, "--json")
    assert again.code == 5
    assert again.run["outcomes"] == run["outcomes"]


@pytest.mark.parametrize("scenario", ["steady", "closed"])
def test_killing_the_harness_leaves_a_readable_run_and_no_process(tmp_path, scenario):
    with in_the_middle(scenario, tmp_path) as (process, directory):
        below = descendants(process.pid)
        assert len(below) >= 2
        process.kill()
        process.wait()
        assert not survivors(below)
    assert document(directory)["status"] == "running"
    assert_agrees_with_journal(directory, tmp_path / "journal", scenario)
    said = inside(tmp_path, "report", directory, "--json")
    assert said.code == 5
    assert "cut off" in " ".join(said.run["reasons"])
    assert said.run["outcomes"]["completed"] >= 100
    assert sum(said.run["outcomes"].values()) == said.run["planned"]
    assert said.run["operations"]["call"]["service_ns"]["p50"] >= 20_000_000
