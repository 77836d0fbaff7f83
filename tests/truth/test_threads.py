"""Real threads make the calls: every call is accounted for, and what gevent's patches break is measured as it is."""

import functools
import json
import os
import re
import signal

import numpy as np
import pytest

from harness.commands.options import planning
from harness.model import Outcome
from harness.processes import loadrun
from tests.support.cli import (
    document,
    end_of,
    facts,
    inside,
    journal,
    measured,
    measured_child,
    returned,
    started,
    table,
    until_called,
)
from tests.truth.catalogue import LENIENT

OPEN = ("--rate", 300, "--duration", "800ms", "--warmup", "200ms")
CLOSED = ("--users", 6, "--duration", "500ms", "--warmup", "100ms")

APP = """
import asyncio
import concurrent.futures
import multiprocessing
import select
import sys
import time


class App:
    operations = {"call": 1.0}

    def __init__(self, what, journal=""):
        self.call = getattr(self, what)
        self._journal, self._count = journal, 0

    def close(self):
        if self._journal:
            open(self._journal, "a").write("closed")

    def run(self, event):
        return asyncio.run(self._answer())

    def until_complete(self, event):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(self._answer())
        finally:
            loop.close()

    async def _answer(self):
        await asyncio.sleep(0.002)
        return "done"

    def pool(self, event):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            return pool.map(abs, [-1])

    def ends_child(self, event):
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        child.start()
        child.terminate()
        child.join()
        # Another thread that starts a process may reap this child before its own does: then its code is not known.
        assert child.exitcode in (-15, None), child.exitcode

    async def ends_child_later(self, event):
        await asyncio.to_thread(self.ends_child, event)

    def epoll(self, event):
        with select.epoll() as poll:
            poll.poll(0.002)

    def unpatched(self, event):
        names = {name.partition(".")[0] for name in sys.modules}
        assert not names & {"gevent", "locust", "greenlet"}, names
        time.sleep(0.001)

    def raises(self, event):
        self._count += 1
        kinds = (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, concurrent.futures.TimeoutError)
        raise kinds[self._count % len(kinds)]

    def promises(self, event):
        return iter([])

    def sticks(self, event):
        self._count += 1
        time.sleep(3600 if self._count % 10 == 0 else 0.001)

    def holds(self, event):
        self._count += 1
        # One instruction: no other thread runs before its end.
        return sum(range(20_000_000)) if self._count == 60 else time.sleep(0.001)


def create(what, journal=""):
    return App(what, journal)
"""


def app(folder, what, *options, scenario="closed", engine="threads", settings=LENIENT):
    (folder / "app.py").write_text(APP)
    (folder / "pyproject.toml").write_text(settings)
    spec = f"app.py:create?what={what}&journal={folder / 'journal'}" + (f"&engine={engine}" if engine else "")
    return ran(folder, scenario, spec, *(options or CLOSED))


def ran(folder, scenario, spec, *options):
    return inside(folder, "run", scenario, "--target", spec, "--json", "--out", folder / "runs", *options)


def pairs(rows, records, origin_ns):
    """Return how many rows each have a record of their own within their stamps, at most as many as there are."""
    free = sorted((start - origin_ns, end - origin_ns) for _, start, end, _ in records.tolist())
    found = 0
    # The row that was entered last has the fewest records to choose from.
    for entered, completed in sorted(
        ((int(row["entered_ns"]), int(row["completed_ns"])) for row in rows), reverse=True
    ):
        fits = [one for one in free if one[0] >= entered and one[1] <= completed]
        if fits:
            free.remove(max(fits, key=lambda one: one[1]))
            found += 1
    return found


@pytest.mark.parametrize(("scenario", "options"), [("steady", OPEN), ("closed", CLOSED)])
@pytest.mark.parametrize("known", ["constant?service_ms=5", "failing?every=7"])
def test_every_call_is_one_record_of_the_journal(tmp_path, scenario, options, known):
    target = f"known:{known}&engine=threads&journal={tmp_path / 'journal'}"
    options = (*options, "--think-time", "5ms") if (scenario, known[0]) == ("closed", "f") else options
    said = ran(tmp_path, scenario, target, *options)
    run, rows, records = said.run, table(said.run["dir"]), journal(tmp_path / "journal")
    came_back, own = returned(rows), facts(said.run["dir"])
    assert len(came_back) == len(records) > 100
    assert pairs(came_back, records, own["origin_ns"]) == len(records)
    assert (rows["outcome"] == Outcome.FAILED).sum() == records["failed"].sum()
    counted = sum(one["count"] for one in run["failures"])
    assert counted == run["outcomes"]["failed"] == (measured(run["dir"])["outcome"] == Outcome.FAILED).sum()
    assert sum(run["outcomes"].values()) == run["planned"]
    assert run["outcomes"]["unfinished"] == 0
    assert own["engine"] == "threads"
    assert run["thread_cpu"]["call"]["calls"] == run["operations"]["call"]["count"]
    if scenario == "steady":
        assert run["planned"] == 240


def test_users_think_between_their_calls(tmp_path):
    target = f"known:constant?service_ms=1&engine=threads&journal={tmp_path / 'journal'}"
    said = ran(
        tmp_path,
        "closed",
        target,
        "--users",
        3,
        "--think-time",
        "20ms",
        "--duration",
        "500ms",
        "--warmup",
        "0s",
    )
    rows = table(said.run["dir"])
    # Three users, each intends no call sooner than 20 ms after the last: of any four calls the outer two lie apart.
    intended = np.sort(rows["intended_ns"])
    assert (intended[3:] - intended[:-3] >= 20_000_000).all()
    assert facts(said.run["dir"])["threads"] == 3


@pytest.mark.parametrize("scenario", ["steady", "closed"])
def test_killing_the_measured_process_loses_no_call(tmp_path, scenario):
    pace = ("--rate", 400) if scenario == "steady" else ("--users", 8)
    target = f"known:constant?service_ms=20&engine=threads&journal={tmp_path / 'journal'}"
    options = ("--target", target, *pace, "--duration", "20s", "--warmup", "100ms", "--json", "--no-report")
    with started("run", scenario, *options, "--out", tmp_path / "runs") as process:
        directory = until_called(tmp_path / "runs", process)
        os.kill(measured_child(process), signal.SIGKILL)
        said = end_of(process)
    assert said.code == 5
    assert "killed by SIGKILL" in " ".join(said.run["reasons"])
    assert sum(said.run["outcomes"].values()) == said.run["planned"]
    assert said.run["outcomes"]["completed"] >= 100
    records, rows = journal(tmp_path / "journal"), returned(table(directory))
    # A call may have ended, and the process died, before its row was written: at most one of each thread.
    assert 0 <= len(records) - len(rows) <= 8
    assert pairs(rows, records, facts(directory)["origin_ns"]) == len(rows)


@pytest.mark.parametrize("scenario", ["steady", "closed"])
def test_an_abort_keeps_and_counts_what_was_measured(tmp_path, scenario):
    pace = ("--rate", 300) if scenario == "steady" else ("--users", 4, "--think-time", "20ms")
    target = f"known:constant?service_ms=3&engine=threads&journal={tmp_path / 'journal'}"
    options = ("--target", target, *pace, "--duration", "30s", "--warmup", "200ms", "--json", "--no-report")
    with started("run", scenario, *options, "--out", tmp_path / "runs") as process:
        until_called(tmp_path / "runs", process, 30)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == 130
    run = said.run
    assert run["interrupted"] is True
    assert sum(run["outcomes"].values()) == run["planned"]
    assert (run["outcomes"]["never_started"] > 1000) == (scenario == "steady")
    assert run["outcomes"]["unfinished"] == 0
    assert len(returned(table(run["dir"]))) == len(journal(tmp_path / "journal"))


def test_calls_that_never_return_end_with_the_process_and_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "LoadPlan", functools.partial(loadrun.LoadPlan, drain_s=0.3))
    run = app(
        tmp_path, "sticks", "--rate", 100, "--duration", "600ms", "--warmup", "0s", scenario="steady"
    ).run
    assert run["outcomes"]["completed"] == 54
    assert run["outcomes"]["unfinished"] == run["left_running"] == 6
    # The target was closed all the same.
    assert (tmp_path / "journal").read_text() == "closed"
    said = inside(tmp_path, "report", run["dir"], "--verbose")
    assert "6 calls still ran when the run ended: a thread cannot be ended from outside" in said.stdout


@pytest.mark.measures
def test_a_call_that_keeps_the_interpreter_s_lock_owns_the_delay_of_others(tmp_path):
    run = app(tmp_path, "holds", "--rate", 200, "--duration", "1s", "--warmup", "0s", scenario="steady").run
    rows = table(run["dir"])
    late_ns = rows["dispatched_ns"] - rows["intended_ns"]
    held = late_ns > late_ns.max() / 3
    assert run["outcomes"]["completed"] == 200
    assert held.sum() > 5
    own_ns = (late_ns - rows["lag_target_ns"] - rows["lag_host_ns"])[held]
    assert own_ns.sum() < 0.2 * late_ns[held].sum()
    assert rows["lag_target_ns"][held].sum() > 0.5 * (late_ns - rows["lag_host_ns"])[held].sum()
    assert not [reason for reason in run["reasons"] if "keep up" in reason]


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("run", "Overlapping calls cannot each run an asyncio event loop"),
        ("until_complete", "Overlapping calls cannot each run an asyncio event loop"),
        ("pool", "The target makes a multiprocessing.Pool, which hangs under gevent's patches"),
        ("epoll", "The target waits in a way that gevent's patches remove, as trio does"),
    ],
)
def test_what_gevent_breaks_is_refused_under_it_and_measured_in_threads(tmp_path, what, why):
    # As long as it takes: the first call that cannot be measured ends the run.
    refused = app(tmp_path, what, "--users", 6, "--duration", "30s", "--warmup", "0s", engine=None)
    assert refused.code == 2
    assert why in refused.error
    assert "engine=threads" in refused.error
    run = app(tmp_path, what).run
    assert run["outcomes"]["completed"] == run["planned"] > 10, run["outcomes"]
    assert run["operations"]["call"]["service_ns"]["p50"] >= 2_000_000
    assert facts(run["dir"])["in_flight_peak"] == 6


@pytest.mark.parametrize(
    ("what", "engine"), [("ends_child", None), ("ends_child", "threads"), ("ends_child_later", None)]
)
def test_a_child_that_a_call_forks_can_be_ended_by_it_in_every_engine(tmp_path, what, engine):
    run = app(tmp_path, what, "--users", 6, "--duration", "300ms", "--warmup", "0s", engine=engine).run
    assert run["outcomes"]["completed"] > 0, run["outcomes"]
    assert run["outcomes"]["failed"] == 0, run["failures"]
    assert not run["interrupted"]


def test_nothing_has_patched_the_process(tmp_path):
    run = app(tmp_path, "unpatched").run
    assert run["outcomes"]["completed"] == run["planned"] > 20, run["failures"]


def test_whatever_a_call_raises_is_its_outcome(tmp_path):
    run = app(tmp_path, "raises").run
    outcomes = run["outcomes"]
    assert outcomes["failed"] + outcomes["timed_out"] == run["planned"] > 100
    assert outcomes["timed_out"] > 0
    whats = {one["what"] for one in run["failures"]}
    assert whats == {
        "SystemExit", "KeyboardInterrupt", "GeneratorExit", "asyncio.exceptions.CancelledError", "TimeoutError"
    }  # fmt: skip
    assert all("App.raises (app.py:" in one["where"] for one in run["failures"])


def test_an_unfinished_answer_is_refused(tmp_path):
    said = app(tmp_path, "promises", "--users", 6, "--duration", "30s", "--warmup", "0s")
    assert said.code == 2
    assert "an iterator" in said.error


def test_a_report_of_threads_says_what_it_measured_and_speaks_of_no_event_loop(tmp_path):
    said = app(tmp_path, "run", *CLOSED, "--profile", "cpu,memory")
    run = said.run
    assert run["profiles"]["cpu"]["reason"] is None, run["profiles"]["cpu"]
    assert run["profiles"]["memory"]["reason"] is None
    assert "the calls ran in threads" in run["profiles"]["wait"]["reason"]
    assert document(run["dir"])["profiles"]["cpu"]["requests"]["call"] > 0
    page = re.sub(r"(?s)<(script|style).*?</\1>", "", report_of(run))
    shown = inside(tmp_path, "report", run["dir"], "--verbose").stdout
    for text in (page, shown, json.dumps(document(run["dir"])["profiles"])):
        found = re.findall(r"(?i).{40}(?:gevent|greenlet|locust|event loop|\bthe loop\b).{40}", text)
        assert found == []
    for text in (page, " ".join(shown.split())):
        assert "driven by the threads engine (6 threads)" in text
        assert "service time is not split" in text
        assert "CPU time of the thread of a call: call" in text


def report_of(run):
    with open(os.path.join(run["dir"], "report.html")) as file:
        return file.read()
