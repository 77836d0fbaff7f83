"""Where calls waited, against a journal: planted sleeps, a planted spin, greenlets side by side; and where nobody looks."""

import json
from pathlib import Path

import pytest

from harness.profiles.stacks.folded import read_folded
from harness.table.latency import latencies
from tests.support.cli import document, inside, returned, table
from tests.truth.conftest import TOLERANCE

SOURCE = """
import json
import time

import gevent

now_ns = time.perf_counter_ns


class Planted:
    operations = {"wait": 3, "spin": 1, "beside": 1}

    def __init__(self, journal):
        self._journal = journal
        self._slept = {"nap": 0, "doze": 0}

    def instrument(self, wrap):
        self._wrap = wrap

    def close(self):
        # A line for each process: that of the timing run comes first.
        with open(self._journal, "a") as file:
            print(json.dumps(self._slept), file=file)

    def make_event(self, operation, rng):
        return operation

    def call(self, operation):
        if operation == "wait":
            self.nap()
            self.doze()
        elif operation == "spin":
            self.churn()
        else:
            gevent.joinall([gevent.spawn(self._wrap(self.rest)) for _ in range(3)])

    def nap(self):
        self._sleep("nap", 0.006)

    def doze(self):
        self._sleep("doze", 0.002)

    def _sleep(self, who, seconds):
        start_ns = now_ns()
        time.sleep(seconds)
        self._slept[who] += now_ns() - start_ns

    def churn(self):
        end_ns = now_ns() + 5_000_000
        while now_ns() < end_ns:
            pass

    def rest(self):
        time.sleep(0.003)


def create(journal):
    return Planted(journal)
"""
WAITED = "_sleep (planted.py)"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted.py").write_text(SOURCE)
    return folder


@pytest.fixture(scope="module")
def planted(source):
    """One run without warm-up, so that the journal is of the measured time: (run, rows, journal)."""
    spec = f"planted.py:create?journal={source / 'journal'}"
    said = inside(
        source, "run", "steady", "--target", spec, "--rate", 120, "--duration", "1200ms", "--warmup", "0s",
        "--profile", "cpu", "--json", "--out", source / "runs",
    )  # fmt: skip
    return (
        said.run,
        returned(table(said.run["dir"])),
        json.loads((source / "journal").read_text().split("\n")[0]),
    )


def weights(run, file="wait"):
    return read_folded(Path(run["dir"]) / "wait" / f"{file}.folded").stacks


@pytest.mark.measures
def test_the_profile_adds_up_to_the_waiting_of_the_rows_to_the_nanosecond(planted):
    run, rows, _ = planted
    for number, name in enumerate(run["operations"]):
        mine = latencies(rows[rows["operation"] == number])
        for kind, metric in (("(loop idle)", "wait_idle_ns"), ("(loop busy)", "wait_busy_ns")):
            told = sum(w for stack, w in weights(run).items() if stack[:2] == (f"operation:{name}", kind))
            assert told == mine[metric].sum(), (name, kind)


@pytest.mark.measures
@pytest.mark.parametrize("who", ["nap", "doze"])
def test_a_sleep_stands_at_the_function_that_slept_as_long_as_the_journal_says(planted, who):
    run, _, slept_ns = planted
    of_mine = {stack: w for stack, w in weights(run).items() if f"Planted.{who} (planted.py)" in stack}
    assert {stack[0] for stack in of_mine} == {"operation:wait"}
    assert {stack[-1] for stack in of_mine} == {f"Planted.{WAITED}"}
    told_ns = sum(of_mine.values())
    assert 0 < told_ns <= slept_ns[who]
    # Another process may also take the processor between a switch and the stamp of the journal.
    assert told_ns >= slept_ns[who] * (1 - 2 * TOLERANCE)


@pytest.mark.measures
def test_the_sleep_is_no_cpu_time_and_the_spin_is(planted):
    run, _, _ = planted
    profile = run["profiles"]["cpu"]
    assert not profile["reason"]
    samples = read_folded(Path(run["dir"]) / profile["file"]).functions()
    own = {name.partition(" ")[0]: samples[name][0] for name in samples if "(planted.py)" in name}
    assert own["Planted.churn"] >= 3
    assert own.get("Planted._sleep", 0) < own["Planted.churn"] / 2


@pytest.mark.measures
def test_a_spin_is_busy_waiting_of_the_others_and_no_waiting_of_its_own(planted):
    run, rows, _ = planted
    names = list(run["operations"])
    spun = rows[rows["operation"] == names.index("spin")]
    assert not [stack for stack in weights(run) if stack[0] == "operation:spin"]
    waits = rows[rows["operation"] == names.index("wait")]
    overlap_ns = sum(
        max(min(wait["completed_ns"], spin["completed_ns"]) - max(wait["entered_ns"], spin["entered_ns"]), 0)
        for wait in waits
        for spin in spun
    )
    busy_ns = sum(w for stack, w in weights(run).items() if stack[:2] == ("operation:wait", "(loop busy)"))
    assert busy_ns >= overlap_ns > 0
    assert run["held_by"]["wait"]["operations"]["spin"] >= overlap_ns


@pytest.mark.measures
def test_greenlets_that_a_call_started_are_a_profile_of_their_own(planted):
    run, rows, _ = planted
    calls = (rows["operation"] == list(run["operations"]).index("beside")).sum()
    beside = {
        stack: w for stack, w in weights(run, "parallel").items() if stack[-1] == "Planted.rest (planted.py)"
    }
    assert {stack[0] for stack in beside} == {"operation:beside"}
    assert sum(beside.values()) >= 3 * 3e6 * calls
    # The call's own waiting is for the three together.
    own = {stack: w for stack, w in weights(run).items() if stack[0] == "operation:beside"}
    assert any(stack[-1] == "Planted.call (planted.py)" for stack in own)
    assert sum(own.values()) < 0.6 * sum(beside.values())


@pytest.mark.measures
def test_what_reading_stacks_cost_is_told(planted):
    run, rows, _ = planted
    told = run["profiles"]["wait"]
    assert 0 < told["reading_one_ns"] * told["stacks_read"] <= told["reading_all_s"] * 1e9 + 1
    # Three long waits at most of each call that waits, and its greenlets.
    assert (rows["operation"] == 0).sum() <= told["stacks_read"] <= 6 * len(rows)
    page = (Path(run["dir"]) / "report.html").read_text()
    assert run["validity"] != "invalid", run["reasons"]
    assert "to the nanosecond" in page
    assert 'data-key="waiting"' in page
    assert 'data-key="parallel-waiting"' in page


def test_without_the_split_there_is_no_wait_profile_and_the_report_says_why(source):
    said = inside(
        source, "run", "steady", "--target", "known:constant", "--rate", 50, "--duration", "200ms", "--warmup", "0s",
        "--no-split", "--json", "--out", source / "plain",
    )  # fmt: skip
    why = document(said.run["dir"])["profiles"]["wait"]["reason"]
    assert "--no-split" in why
    assert why in (Path(said.run["dir"]) / "report.html").read_text()
    assert not (Path(said.run["dir"]) / "wait").exists()
