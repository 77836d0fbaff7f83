"""Every planned call ends in exactly one outcome: overloaded, failing, abandoned or interrupted."""

import signal

import numpy as np
import pytest

from harness.model import Outcome
from tests.cli_support import end_of, harness, journal, measured, returned, started, table, until_called

NO_OUTCOME = dict.fromkeys(("completed", "failed", "timed_out", "dropped", "unfinished", "never_started"), 0)

NEVER = '''
"""A target whose first calls return and whose later ones never do."""

import itertools
import time


class Never:
    def __init__(self):
        self._count = itertools.count(1)

    def call(self, event):
        if next(self._count) > 2:
            time.sleep(3600)


def create():
    return Never()
'''


def outcomes(**expected):
    return {**NO_OUTCOME, **expected}


def by_outcome(rows):
    counts = np.bincount(rows["outcome"], minlength=len(Outcome))
    return {outcome.label: int(counts[outcome]) for outcome in Outcome}


def test_overload_loses_no_call(measure):
    truth = measure(
        "steady", "known:spin?spin_us=2000", "--rate", 1000, "--duration", "1s", "--warmup", "200ms"
    )
    assert truth.run["planned"] == 1000
    assert truth.run["outcomes"] == outcomes(completed=1000)
    # Twice what the target can do: the last one waits for as long as the run was.
    response = truth.run["operations"]["call"]["response_ns"]
    assert response["max"] == pytest.approx(truth.response_ns.max(), rel=0.01)
    assert response["max"] > 800_000_000
    assert truth.said.code == (5 if truth.run["validity"] == "invalid" else 0)


@pytest.mark.parametrize(("how", "outcome"), [("error", "failed"), ("timeout", "timed_out")])
def test_what_the_target_lets_out_is_counted_as_the_journal_counts_it(measure, how, outcome):
    truth = measure(
        "steady", f"known:failing?every=7&how={how}", "--rate", 400, "--duration", "1s", "--warmup", "200ms"
    )
    wrong = int(truth.failed[truth.is_measured].sum())
    assert wrong > 40
    assert truth.run["outcomes"] == outcomes(completed=400 - wrong, **{outcome: wrong})
    call = truth.run["operations"]["call"]
    assert call["count"] == 400
    assert call["failed"] == (wrong if how == "error" else 0)
    assert (truth.rows["outcome"] == Outcome[outcome.upper()]).sum() == truth.failed.sum()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("scenario", ["steady", "closed"])
def test_an_abort_keeps_and_counts_what_was_measured(tmp_path, number, scenario):
    pace = ("--rate", 300) if scenario == "steady" else ("--users", 4)
    target = f"known:constant?service_ms=3&journal={tmp_path / 'journal'}"
    options = ("--target", target, *pace, "--duration", "30s", "--warmup", "200ms", "--json")
    with started("run", scenario, *options, "--out", tmp_path / "runs") as process:
        until_called(tmp_path / "runs", process)
        process.send_signal(number)
        said = end_of(process)
    assert said.code == 130
    run = said.run
    assert run["interrupted"] is True
    assert sum(run["outcomes"].values()) == run["planned"]
    if scenario == "steady":
        assert run["planned"] == 9000
        assert run["outcomes"]["never_started"] > 1000
    else:
        assert run["outcomes"]["never_started"] == 0
    assert run["outcomes"]["completed"] >= 100
    assert run["outcomes"] == by_outcome(measured(run["dir"]))
    assert len(returned(table(run["dir"]))) == len(journal(tmp_path / "journal"))
    assert harness("report", run["dir"]).code in {0, 5}


def test_an_interrupt_before_anything_was_measured_ends_cleanly(tmp_path):
    own = tmp_path / "slow.py"
    own.write_text("import time\n\ndef create():\n    time.sleep(600)\n")
    with started(
        "run", "steady", "--target", f"{own}:create", "--json", "--out", tmp_path / "runs"
    ) as process:
        assert process.stderr.readline().startswith("Timing")
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == 130
    assert said.document["runs"] == []
    assert list((tmp_path / "runs").iterdir()) == []


def test_calls_that_never_return_are_unfinished_or_dropped(tmp_path):
    own = tmp_path / "never.py"
    own.write_text(NEVER)
    # At most 10 s of arrivals may be out at once: what comes in the last second finds no room.
    options = ("--rate", 20, "--duration", "11s", "--warmup", "0s", "--json", "--out", tmp_path / "runs")
    said = harness("run", "steady", "--target", f"{own}:create", *options)
    run = said.run
    assert run["planned"] == 220
    assert run["outcomes"] == outcomes(completed=2, unfinished=200, dropped=18)
    assert run["operations"]["call"]["count"] == 2


def test_the_operations_sum_to_the_whole(measure):
    truth = measure("spike", "known:failing?every=5", "--rate", 150, "--duration", "1s", "--warmup", "200ms")
    operations = truth.run["operations"].values()
    came_back = ("completed", "failed", "timed_out")
    assert sum(numbers["count"] for numbers in operations) == sum(
        truth.run["outcomes"][name] for name in came_back
    )
    assert sum(numbers["failed"] for numbers in operations) == truth.run["outcomes"]["failed"]
    # The area under 0.4 at 1x, 0.2 at 5x and 0.4 at 1x.
    assert truth.run["planned"] == 270
