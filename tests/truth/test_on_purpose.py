"""Each reason that speaks against a run, produced on purpose by a real one; and where it must not be given."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.console.console import Talk
from harness.model import Outcome
from harness.processes.loadrun import LoadPlan
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.run.documents import BackendFacts
from harness.table import calls
from harness.work import experiment
from harness.work.preparing import Find
from harness.work.servers import Backends
from harness.work.subjects import select
from scenarios.catalogue import SCENARIOS
from tests.support.cli import inside
from tests.truth.catalogue import OVERLOADED, WAITING

# What spoils a run from inside the measured process, as a target's `open`.
SOURCE = """
import os, time
from harness.load import facts


class Target:
    def call(self, event):
        time.sleep(0.001)


class SlowDriver(Target):
    "Every arrival is let go late, by the pacer."

    def open(self):
        from harness.load.open_model import OpenModel
        let_go = OpenModel._let_go

        def late(self, row, due_ns, now_ns, *rest):
            end_ns = time.monotonic_ns() + 4_000_000
            while time.monotonic_ns() < end_ns:
                pass
            return let_go(self, row, due_ns, time.monotonic_ns(), *rest)

        OpenModel._let_go = late


class GivesUp(Target):
    "After 60 arrivals of warm-up and run the pacer lets none go any more."

    def open(self):
        from harness.load.open_model import OpenModel
        let_go = OpenModel._let_go

        def once_more(self, row, *rest):
            let_go(self, row, *rest)
            if row == 59:
                self.stopping.set()

        OpenModel._let_go = once_more


class Shop(Target):
    "Asks a server that counts."

    def __init__(self):
        self.asked = 0

    def call(self, event):
        self.asked += 1
        super().call(event)

    def counters(self):
        return {"call": {"shop.calls": self.asked}}


class ColdAndStepped:
    "Slow until it has been called often, and on the way somebody sets the clock."

    def __init__(self):
        self.calls = 0

    def call(self, event):
        self.calls += 1
        if self.calls == 150:
            # As the kernel's clock would be: what a target does to 'time.time' is no step of the machine's.
            real = facts.wall_s
            facts.wall_s = lambda: real() + 0.5
        time.sleep(0.012 if self.calls < 100 else 0.001)


class Pinned(Target):
    "Runs where its neighbour does."

    def __init__(self, core):
        self.core = int(core)

    def open(self):
        os.sched_setaffinity(0, {self.core})

    def call(self, event):
        end_ns = time.monotonic_ns() + 3_000_000
        while time.monotonic_ns() < end_ns:
            pass


class Failing(Target):
    def call(self, event):
        raise ValueError("no")
"""
LATE = ("Calls started late", "The load generator could not keep up")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return what runs a target against the open model and gives the run of its JSON."""
    folder = tmp_path_factory.mktemp("purpose")
    (folder / "spoilt.py").write_text(SOURCE)

    def run(target, rate=100, warmup="300ms", duration="600ms"):
        spec = target if ":" in target else f"spoilt.py:{target}"
        said = inside(
            folder, "run", "steady", "--target", spec, "--rate", rate, "--duration", duration, "--warmup", warmup,
            "--json", "--out", folder / "runs",
        )  # fmt: skip
        return said.run

    return run


def reasons(run, *beginnings):
    return [reason for reason in run["reasons"] if reason.startswith(beginnings)]


@contextlib.contextmanager
def neighbour(core):
    """A process that never rests, on one core."""
    never_rest = f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", never_rest])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.measures
def test_a_slow_driver_is_the_harness_s_own_lag_and_its_arrivals_are_late(ran):
    run = ran("SlowDriver")
    (lag,) = reasons(run, "Calls started late")
    assert "held up by the harness itself" in lag
    assert reasons(run, "The load generator could not keep up")
    assert run["validity"] == "invalid"


def test_arrivals_that_the_driver_never_started_are_its_fault(ran):
    run = ran("GivesUp", duration="1s")
    assert run["outcomes"]["never_started"] == 70
    (reason,) = reasons(run, "The load generator could not keep up")
    share = float(re.search(r"it started ([\d.]+) %", reason)[1])
    assert 70 <= share <= 100
    assert " late, or never" in reason
    assert run["validity"] == "invalid"


@pytest.mark.measures
@pytest.mark.parametrize(("ceiling_per_s", "is_saturated"), [(90.0, True), (500.0, False)])
def test_a_server_asked_for_all_that_it_can_give_is_saturated_and_one_that_is_not_has_room(
    tmp_path, monkeypatch, ceiling_per_s, is_saturated
):
    (tmp_path / "spoilt.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    # The one thing that is not found out here: what the server could give.
    server = Backends("none", ceilings={"shop": BackendFacts(ceiling_per_s=ceiling_per_s)})
    monkeypatch.setattr(experiment, "provide", lambda *_: contextlib.nullcontext(server))
    scenario = SCENARIOS["steady"]
    request = experiment.RunRequest(
        selection=select("spoilt.py:Shop", scenario, ()),
        plan=LoadPlan(scenario, rate_per_s=100.0, users=1, duration_s=0.6, warmup_s=0.1, seed=1),
        find=Find.NOTHING, profiles=(), backends="none", out=tmp_path / "runs", command="harness run",
    )  # fmt: skip
    (directory,) = experiment.carry_out(request, Talk()).directories
    told = [reason for reason in judge(load(directory.path)).validity.reasons if "saturated" in reason]
    assert len(told) == is_saturated
    assert all(reason.startswith("shop was saturated: ") for reason in told)
    assert all("of the about 90/s that this server can give" in reason for reason in told)


@pytest.mark.measures
def test_a_warm_up_that_was_not_over_and_a_stepped_clock_are_told(ran):
    run = ran("ColdAndStepped", warmup="1s", duration="1s")
    assert reasons(run, "Warm-up was not steady at the end of 1 s")
    assert any("clock was stepped by 0.5" in reason for reason in run["reasons"])
    assert run["validity"] == "invalid"


@pytest.mark.measures
def test_hits_and_misses_of_a_steady_cache_are_no_warm_up(ran):
    run = ran("known:bimodal?fast_us=100&slow_us=3000&slow_share=0.4", warmup="1s", duration="1s")
    assert run["warmup"]["state"] != "too few calls"
    assert not reasons(run, "Warm-up")


@pytest.mark.measures
def test_a_busy_neighbour_on_the_same_core_is_the_machine_s_doing_and_nobody_else_s(ran):
    core = min(os.sched_getaffinity(0))
    with neighbour(core):
        run = ran(f"Pinned?core={core}", 40, duration="1s")
    assert reasons(run, "CPU contention")
    assert not reasons(run, "The wall clock", "The outcomes", "No call")
    # What the neighbour took is the host's. Nine calls in ten: one of the forty may be preempted between two looks.
    assert load(Path(run["dir"])).harness_lag.percentile(0.9) < 2e6


def test_a_run_in_which_every_call_fails_has_no_completed_call(ran):
    run = ran("Failing", warmup="0s", duration="200ms")
    assert "No call completed" in run["reasons"]
    assert run["validity"] == "invalid"


@pytest.mark.measures
def test_an_overloaded_target_is_a_finding_and_no_fault_of_the_run(truth_of):
    run = truth_of(OVERLOADED).run
    assert run["operations"]["call"]["response_ns"]["p95"] > 100e6
    assert not reasons(run, *LATE, "Warm-up", "No call", "The outcomes")


@pytest.fixture(scope="module")
def sound(truth_of):
    """A run that nothing but the machine can speak against."""
    return truth_of(WAITING).run


def spoilt(sound, tmp_path, change):
    """A copy of a real run with its table changed; what is said of it that was not said of the original."""
    path = tmp_path / "run"
    shutil.copytree(sound["dir"], path)
    before = set(judge(load(path)).validity.reasons)
    table = np.load(path / "timing" / "calls.npy")
    calls.write_table(path / "timing" / "calls.npy", change(table))
    return [reason for reason in judge(load(path)).validity.reasons if reason not in before]


def backwards(table):
    table["completed_ns"][-3:] = table["entered_ns"][-3:] - 1
    return table


def never_back(table):
    table["outcome"] = Outcome.UNFINISHED
    return table


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (backwards, "3 calls have stamps that contradict one another"),
        (lambda table: table[:-5], "The table holds 195 calls, the plan 200"),
        (lambda table: np.concatenate([table, table[-1:]]), "The table holds 201 calls, the plan 200"),
        (never_back, "No call completed"),
    ],
)
def test_a_real_table_that_was_changed_is_found_out(sound, tmp_path, change, reason):
    assert reason in spoilt(sound, tmp_path, change)


def test_an_unchanged_copy_has_nothing_new_against_it(sound, tmp_path):
    assert spoilt(sound, tmp_path, lambda table: table) == []


@pytest.mark.parametrize("keep", [100, 512, 5000, -1])
def test_a_table_that_was_cut_is_refused_as_damaged_with_exit_code_5(sound, tmp_path, keep):
    path = tmp_path / "run"
    shutil.copytree(sound["dir"], path)
    file = path / "timing" / "calls.npy"
    os.truncate(file, keep if keep > 0 else file.stat().st_size + keep)
    said = inside(tmp_path, "report", path)
    assert said.code == 5
    assert "table of calls is damaged" in said.error


def test_limits_of_the_project_are_those_of_its_runs(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        "[tool.harness.validity]\ndescheduled-percent = [100, 100]\nlag-ms = [0, 0]\nlag-percent = [0, 0]\n"
    )
    said = inside(
        tmp_path, "run", "steady", "--target", "known:spin?spin_us=500", "--rate", 100, "--duration", "300ms",
        "--warmup", "0s", "--json",
    )  # fmt: skip
    # No driver is never late at all.
    assert reasons(said.run, "Calls started late")
    assert said.code == 5
