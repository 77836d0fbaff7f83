"""Every planned call ends in exactly one outcome: overloaded, failing, abandoned or interrupted."""

import functools
import signal

import numpy as np
import pytest

from harness.commands.options import planning
from harness.model import Outcome
from harness.processes import loadrun
from tests.support.cli import end_of, inside, journal, measured, returned, started, table, until_called
from tests.truth.catalogue import OVERLOADED

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
            try:
                time.sleep(3600)
            finally:
                # Nor does it let go of its greenlet when it is told to.
                time.sleep(3600)


def create():
    return Never()
'''


NEVER_AWAITED = (
    NEVER.replace("import time", "import asyncio")
    .replace("def call", "async def call")
    .replace("time.sleep", "await asyncio.sleep")
)


def outcomes(**expected):
    return {**NO_OUTCOME, **expected}


def by_outcome(rows):
    counts = np.bincount(rows["outcome"], minlength=len(Outcome))
    return {outcome.label: int(counts[outcome]) for outcome in Outcome}


@pytest.mark.measures
@pytest.mark.parametrize("overloaded", [OVERLOADED, OVERLOADED.as_coroutine], ids=["gevent", "asyncio"])
def test_overload_loses_no_call(truth_of, overloaded):
    truth = truth_of(overloaded)
    assert truth.run["planned"] == 600
    assert truth.run["outcomes"] == outcomes(completed=600)
    # Twice what the target can do: the last one waits for as long as the run was.
    response = truth.run["operations"]["call"]["response_ns"]
    assert response["max"] == pytest.approx(truth.response_ns.max(), rel=0.01)
    assert response["max"] > 480_000_000
    assert truth.said.code == (5 if truth.run["validity"] == "invalid" else 0)


# The area under the spike of half a second: 0.2 s at 1x, 0.1 s at 5x and 0.2 s at 1x.
@pytest.mark.parametrize(
    ("scenario", "rate", "planned", "how", "outcome", "engine"),
    [
        ("steady", 800, 400, "error", "failed", "gevent"),
        ("spike", 400, 360, "timeout", "timed_out", "gevent"),
        ("spike", 400, 360, "timeout", "timed_out", "asyncio"),
    ],
)
def test_what_the_target_lets_out_is_counted_as_the_journal_counts_it(
    measure, scenario, rate, planned, how, outcome, engine
):
    target = f"known:failing?every=7&how={how}&engine={engine}"
    truth = measure(scenario, target, "--rate", rate, "--duration", "500ms", "--warmup", "100ms")
    wrong = int(truth.failed[truth.is_measured].sum())
    assert wrong > 40
    assert truth.run["planned"] == planned
    assert truth.run["outcomes"] == outcomes(completed=planned - wrong, **{outcome: wrong})
    assert (truth.rows["outcome"] == Outcome[outcome.upper()]).sum() == truth.failed.sum()
    call = truth.run["operations"]["call"]
    assert call["count"] == planned
    assert call["failed"] == (wrong if how == "error" else 0)


@pytest.mark.parametrize(
    ("scenario", "number", "engine"),
    [
        ("steady", signal.SIGINT, "gevent"),
        ("steady", signal.SIGTERM, "asyncio"),
        ("closed", signal.SIGINT, "gevent"),
        ("closed", signal.SIGTERM, "asyncio"),
    ],
)
def test_an_abort_keeps_and_counts_what_was_measured(tmp_path, scenario, number, engine):
    pace = ("--rate", 300) if scenario == "steady" else ("--users", 4)
    target = f"known:constant?service_ms=3&engine={engine}&journal={tmp_path / 'journal'}"
    options = ("--target", target, *pace, "--duration", "30s", "--warmup", "200ms", "--json", "--no-report")
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
    assert inside(tmp_path, "report", run["dir"]).code in {0, 5}


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


@pytest.mark.parametrize("source", [NEVER, NEVER_AWAITED], ids=["gevent", "asyncio"])
def test_calls_that_never_return_are_unfinished_or_dropped(tmp_path, monkeypatch, source):
    assert (loadrun.IN_FLIGHT_S, loadrun.DRAIN_S) == (10.0, 5.0)
    # At most so many seconds of arrivals may be out at once: what comes later finds no room.
    monkeypatch.setattr(loadrun, "IN_FLIGHT_S", 0.5)
    monkeypatch.setattr(planning, "LoadPlan", functools.partial(loadrun.LoadPlan, drain_s=0.5))
    (tmp_path / "never.py").write_text(source)
    load = ("--rate", 100, "--duration", "600ms", "--warmup", "0s")
    run = inside(tmp_path, "run", "steady", "--target", "never.py:create", *load, "--json").run
    assert run["planned"] == 60
    assert run["outcomes"] == outcomes(completed=2, unfinished=50, dropped=8)
    assert run["operations"]["call"]["count"] == 2
    assert "killed" not in " ".join(run["reasons"])
