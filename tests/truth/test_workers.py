"""Several workers are one run: the plan, the counts and the histograms are those of the parts together."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from harness.errors import InvalidRunError
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
    until,
)
from tests.support.processes import descendants, survivors
from tests.truth.conftest import assert_agrees, assert_monotone

RATE = 400


def workers_below(process):
    found = {}
    for pid in descendants(process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"harness.load.workers.member" in words:
            found[words[-2].decode()] = pid
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """One run of an open model by two workers, each with a journal of its own."""
    folder = tmp_path_factory.mktemp("pair")
    target = f"known:lognormal?median_us=300&journal={folder}/journal-{{worker}}"
    said = inside(
        folder, "run", "steady", "--target", target, "--rate", RATE, "--duration", "1s", "--warmup", "200ms",
        "--workers", 2, "--json", "--out", folder / "runs",
    )  # fmt: skip
    return said, folder


@pytest.mark.measures
def test_the_union_of_all_parts_is_the_plan_of_one_process(pair):
    said, _ = pair
    assert said.run["planned"] == RATE
    assert sum(said.run["outcomes"].values()) == RATE
    rows = table(said.run["dir"])
    plan = RunDirectory(Path(said.run["dir"])).read().plan
    expected = planned_table(SCENARIOS["steady"], plan.spans, plan.operations, said.run["seed"])
    for column in ("intended_ns", "operation", "payload"):
        assert np.array_equal(rows[column], expected[column]), column


@pytest.mark.measures
def test_counts_and_histograms_of_the_parts_add_up_to_the_whole_bit_for_bit(pair):
    said, _ = pair
    directory = RunDirectory(Path(said.run["dir"]))
    folders = sorted(directory.timing.glob("worker-*"))
    accounts = [Account.unpack((folder / "account.msgpack").read_bytes()) for folder in folders]
    assert [account.name for account in accounts] == ["worker-0", "worker-1"]
    spans = directory.read().plan.spans
    for folder, account in zip(folders, accounts, strict=True):
        mine = calls.load(folder / "calls.npy")
        assert account.counts == Distributions.of(mine[mine["intended_ns"] >= 0], spans).counts.tobytes()
    added, whole = merged(accounts), Distributions.read(directory.histograms_path)
    assert added.counts == whole.counts.tobytes()
    assert added.moments == whole.moments.tobytes()
    assert {o.label: added.outcomes[o] for o in Outcome} == said.run["outcomes"]


@pytest.mark.measures
def test_percentiles_over_both_workers_are_those_of_their_journals(pair):
    said, folder = pair
    service_ns, begun = [], 0
    for number in range(2):
        part = table_of(said, number)
        mine = returned(part)
        mine = mine[np.argsort(mine["entered_ns"], kind="stable")]
        records = journal(folder / f"journal-{number}")
        assert len(records) == len(mine)
        begun += len(records)
        true_ns, by_row_ns = (
            records["end_ns"] - records["start_ns"],
            mine["completed_ns"] - mine["entered_ns"],
        )
        # Where the processor was taken away between two stamps, a call has two true times: see `Truth`.
        true_ns = np.where(by_row_ns - true_ns > 5_000, by_row_ns, true_ns)
        service_ns.append(true_ns[mine["intended_ns"] >= 0])
    assert begun == np.isin(table(said.run["dir"])["outcome"], RETURNED).sum()
    told = said.run["operations"]["call"]["service_ns"]
    assert_agrees(told, np.concatenate(service_ns))
    assert_monotone(told)
    assert_monotone(said.run["operations"]["call"]["response_ns"])


@pytest.mark.measures
def test_each_worker_s_own_percentiles_and_outcomes_are_those_of_its_table(pair):
    said, _ = pair
    for number, worker in enumerate(document(said.run["dir"])["workers"]):
        mine = table_of(said, number)
        mine = mine[mine["intended_ns"] >= 0]
        assert worker["outcomes"]["completed"] == (mine["outcome"] == Outcome.COMPLETED).sum()
        response_ns = np.sort(
            (mine["completed_ns"] - mine["intended_ns"])[np.isin(mine["outcome"], RETURNED)]
        )
        for name, share in (("p50", 0.5), ("p90", 0.9)):
            exact_ns = response_ns[int(np.ceil(share * len(response_ns))) - 1]
            assert worker["response_ns"][name] == pytest.approx(exact_ns, rel=0.005)


def table_of(said, number):
    return calls.load(Path(said.run["dir"]) / "timing" / f"worker-{number}" / "calls.npy")


def test_users_are_shared_and_start_at_one_time(tmp_path):
    said = inside(
        tmp_path, "run", "closed", "--target", "known:constant?service_ms=5", "--users", 5, "--duration", "300ms",
        "--warmup", "100ms", "--workers", 2, "--json", "--out", tmp_path / "runs",
    )  # fmt: skip
    parts = [table_of(said, number) for number in range(2)]
    assert sorted(int((part["outcome"] == Outcome.COMPLETED).sum() > 0) for part in parts) == [1, 1]
    assert said.run["planned"] == sum(int((part["intended_ns"] >= 0).sum()) for part in parts)
    origins = [facts(said.run["dir"])["origin_ns"], *(origin_of(said, number) for number in range(2))]
    assert len(set(origins)) == 1
    assert facts(said.run["dir"])["in_flight_peak"] == 5


def origin_of(said, number):
    path = Path(said.run["dir"]) / "timing" / f"worker-{number}" / "facts.json"
    return json.loads(path.read_text())["origin_ns"]


def in_the_middle(folder, process):
    def looked():
        parts = list(folder.glob("*/timing/worker-*/calls.npy"))
        try:
            rows = [calls.load(part) for part in parts]
        except InvalidRunError:
            # A worker is about to write the head of its table.
            return None
        enough = [
            part
            for part in rows
            if (part["outcome"][part["intended_ns"] >= 0] == Outcome.COMPLETED).sum() > 30
        ]
        return parts[0].parents[2] if parts and len(enough) == len(parts) else None

    return until(looked, process)


LONG = (
    "run",
    "steady",
    "--target",
    "known:constant?service_ms=5",
    "--rate",
    RATE,
    "--warmup",
    "200ms",
    "--workers",
    2,
    "--no-report",
)


def test_a_worker_that_dies_is_named_and_its_calls_are_accounted_for(tmp_path):
    with started(*LONG, "--duration", "2s", "--json", "--out", tmp_path) as process:
        directory = in_the_middle(tmp_path, process)
        os.kill(workers_below(process)["worker-1"], signal.SIGKILL)
        said = end_of(process)
    assert said.code == 5
    outcomes = said.run["outcomes"]
    assert sum(outcomes.values()) == said.run["planned"] == 2 * RATE
    assert said.run["validity"] == "invalid"
    assert any("worker-1 was killed by SIGKILL; it left" in reason for reason in said.run["reasons"])
    first, second = document(directory)["workers"]
    assert first["lost"] is None
    assert first["outcomes"]["never_started"] == 0
    assert second["outcomes"]["never_started"] == outcomes["never_started"] > 0
    assert second["undone_share"] > 0.01


def test_killing_the_harness_leaves_a_readable_run_of_all_workers_and_no_process(tmp_path):
    with started(*LONG, "--duration", "20s", "--out", tmp_path) as process:
        directory = in_the_middle(tmp_path, process)
        below = descendants(process.pid)
        assert len(workers_below(process)) == 2
        process.kill()
        process.wait()
        assert not survivors(below)
    again = inside(tmp_path, "report", directory, "--json")
    assert again.code == 5
    assert again.run["planned"] == sum(again.run["outcomes"].values()) == 20 * RATE
    assert again.run["outcomes"]["completed"] > 0


def test_an_interrupt_ends_all_workers_in_good_order(tmp_path):
    with started(*LONG, "--duration", "20s", "--json", "--out", tmp_path) as process:
        in_the_middle(tmp_path, process)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == 130
    assert said.run["interrupted"]
    assert sum(said.run["outcomes"].values()) == 20 * RATE
    assert said.run["outcomes"]["completed"] > 60
    assert not any("worker-" in reason and "lost" in reason for reason in said.run["reasons"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("steady", "--profile", "cpu"), "A profile covers one process"),
        (("closed", "--users", 1), "2 workers cannot share 1 users"),
    ],
)
def test_what_cannot_be_shared_is_refused(tmp_path, words, sentence):
    said = inside(tmp_path, "run", *words, "--target", "known:noop", "--workers", 2)
    assert said.code == 2
    assert sentence in said.error


def test_a_target_that_cannot_be_made_is_told_once_and_as_one_process_would(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("def create():\n    raise RuntimeError('no such thing')\n")
    said = inside(tmp_path, "run", "steady", "--target", "own.py:create", "--workers", 2)
    assert said.code == 2
    assert "no such thing" in said.error
