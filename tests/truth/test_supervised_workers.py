"""Several processes that the supervisor leads are one run too, whichever engine drives them."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from harness.model import Outcome
from harness.plans.plan import planned_table
from harness.processes.worker_account import Account, merged
from harness.run.directory import RunDirectory
from harness.run.distributions import Distributions
from harness.table import calls
from scenarios.catalogue import SCENARIOS
from tests.support.cli import (
    RETURNED,
    document,
    end_of,
    facts,
    inside,
    journal,
    returned,
    started,
    table,
    until_called,
)
from tests.support.processes import descendants, survivors
from tests.truth.catalogue import LENIENT

RATE = 300
LONG = ("--rate", RATE, "--warmup", "200ms", "--workers", 2, "--json")

ASYNC = """
class Target:
    def __init__(self, how):
        self._how = how

    async def call(self, event):
        return iter([]) if self._how == "promises" else "done"


def create(how="answers"):
    return Target(how)
"""


def target(engine, folder):
    return f"known:constant?service_ms=2&engine={engine}&journal={folder}/journal-{{worker}}"


def ran(folder, *words):
    (folder / "pyproject.toml").write_text(LENIENT)
    return inside(folder, "run", *words, "--workers", 2, "--json", "--out", folder / "runs")


def parts_of(run):
    return [calls.load(Path(run["dir"]) / "timing" / f"worker-{number}" / "calls.npy") for number in range(2)]


@pytest.fixture(scope="module", params=["threads", "asyncio"])
def pair(request, tmp_path_factory):
    """One run of an open model by two processes, each with a journal of its own."""
    folder = tmp_path_factory.mktemp("pair")
    words = (
        "--target",
        target(request.param, folder),
        "--rate",
        RATE,
        "--duration",
        "1s",
        "--warmup",
        "200ms",
    )
    return ran(folder, "steady", *words).run, folder, request.param


def test_the_union_of_all_parts_is_the_plan_of_one_process(pair):
    run, _, engine = pair
    assert run["planned"] == sum(run["outcomes"].values()) == run["outcomes"]["completed"] == RATE
    rows, plan = table(run["dir"]), RunDirectory(Path(run["dir"])).read().plan
    expected = planned_table(SCENARIOS["steady"], plan.spans, plan.operations, run["seed"])
    for column in ("intended_ns", "operation", "payload"):
        assert np.array_equal(rows[column], expected[column]), column
    assert facts(run["dir"])["engine"] == engine
    assert {worker["lost"] for worker in document(run["dir"])["workers"]} == {None}


def test_counts_and_histograms_of_the_parts_add_up_to_the_whole_bit_for_bit(pair):
    run, _, _ = pair
    directory = RunDirectory(Path(run["dir"]))
    folders = sorted(directory.timing.glob("worker-*"))
    accounts = [Account.unpack((folder / "account.msgpack").read_bytes()) for folder in folders]
    assert [account.name for account in accounts] == ["worker-0", "worker-1"]
    added, whole = merged(accounts), Distributions.read(directory.histograms_path)
    assert (added.counts, added.moments) == (whole.counts.tobytes(), whole.moments.tobytes())
    assert {o.label: added.outcomes[o] for o in Outcome} == run["outcomes"]


def test_each_part_is_what_its_own_journal_says(pair):
    run, folder, _ = pair
    for number, part in enumerate(parts_of(run)):
        records, rows = journal(folder / f"journal-{number}"), returned(part)
        origin_ns = facts(run["dir"])["origin_ns"]
        assert len(records) == len(rows) > 100
        assert (np.sort(records["start_ns"]) - origin_ns >= np.sort(rows["entered_ns"])).all()
        assert (np.sort(records["end_ns"]) - origin_ns <= np.sort(rows["completed_ns"])).all()


@pytest.mark.parametrize("engine", ["threads", "asyncio"])
def test_users_are_shared_and_start_at_one_time(tmp_path, engine):
    words = ("--target", target(engine, tmp_path), "--users", 5, "--duration", "300ms", "--warmup", "100ms")
    run = ran(tmp_path, "closed", *words).run
    parts = parts_of(run)
    assert run["planned"] == sum(int((part["intended_ns"] >= 0).sum()) for part in parts)
    assert len(returned(table(run["dir"]))) == sum(
        len(journal(tmp_path / f"journal-{one}")) for one in range(2)
    )
    own = [
        json.loads((Path(run["dir"]) / "timing" / f"worker-{number}" / "facts.json").read_text())
        for number in range(2)
    ]
    assert own[0]["origin_ns"] == own[1]["origin_ns"] == facts(run["dir"])["origin_ns"]
    assert [one["in_flight_peak"] for one in own] == [3, 2]


def test_a_target_shows_by_itself_which_engine_its_workers_need(tmp_path):
    (tmp_path / "own.py").write_text(ASYNC)
    words = ("--target", "own.py:create", "--rate", 100, "--duration", "200ms", "--warmup", "0s")
    run = ran(tmp_path, "steady", *words).run
    assert run["outcomes"]["completed"] == 20
    assert facts(run["dir"])["engine"] == "asyncio"


def test_a_target_that_one_worker_refuses_is_refused(tmp_path):
    (tmp_path / "own.py").write_text(ASYNC)
    words = ("--target", "own.py:create?how=promises", "--rate", 100, "--duration", "20s", "--warmup", "0s")
    said = ran(tmp_path, "steady", *words)
    assert said.code == 2
    assert "an iterator" in said.error


def workers_below(process):
    """Return the processes that make calls, in the order in which they were started."""
    return sorted(
        pid
        for pid in descendants(process.pid)
        if b"harness.processes.worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )


@pytest.fixture
def in_the_middle(tmp_path):
    """A run by two processes that would go on for long, some of whose calls have completed in each."""
    spec = target("threads", tmp_path)
    with started(
        "run", "steady", "--target", spec, *LONG, "--duration", "4s", "--out", tmp_path / "runs"
    ) as process:
        for number in range(2):
            until_called_by(tmp_path / "runs", process, number)
        yield process


def until_called_by(out, process, number):
    """Wait until one worker has made 30 calls."""
    until_called(out, process, 30, f"*/timing/worker-{number}/calls.npy")


def test_a_worker_that_dies_is_named_and_its_calls_are_accounted_for(in_the_middle):
    os.kill(workers_below(in_the_middle)[1], signal.SIGKILL)
    said = end_of(in_the_middle)
    assert said.code == 5
    outcomes = said.run["outcomes"]
    assert sum(outcomes.values()) == said.run["planned"] == 4 * RATE
    assert any("worker-1 was killed by SIGKILL; it left" in reason for reason in said.run["reasons"])
    first, second = document(said.run["dir"])["workers"]
    assert first["lost"] is None
    assert first["outcomes"]["never_started"] == 0
    assert second["outcomes"]["never_started"] == outcomes["never_started"] > 0
    assert np.isin(table(said.run["dir"])["outcome"], RETURNED).sum() > 100


def test_killing_the_harness_leaves_a_readable_run_of_all_workers_and_no_process(in_the_middle, tmp_path):
    below = descendants(in_the_middle.pid)
    assert len(workers_below(in_the_middle)) == 2
    in_the_middle.kill()
    in_the_middle.wait()
    assert not survivors(below)
    (directory,) = (tmp_path / "runs").iterdir()
    again = inside(tmp_path, "report", directory, "--json")
    assert again.code == 5
    assert again.run["planned"] == sum(again.run["outcomes"].values()) == 4 * RATE
    assert again.run["outcomes"]["completed"] > 0


def test_an_interrupt_ends_all_workers_in_good_order(in_the_middle):
    in_the_middle.send_signal(signal.SIGINT)
    said = end_of(in_the_middle)
    assert said.code == 130
    assert said.run["interrupted"]
    assert sum(said.run["outcomes"].values()) == 4 * RATE
    assert said.run["outcomes"]["completed"] > 60
    assert {worker["lost"] for worker in document(said.run["dir"])["workers"]} == {None}
