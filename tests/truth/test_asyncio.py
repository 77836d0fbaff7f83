"""The asyncio engine against a journal: what each operation did to the loop, every way out of a call, and its words."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from harness.profiles.stacks.folded import read_folded
from harness.table.latency import latencies
from tests.support.cli import facts, inside, measured, returned
from tests.truth.conftest import TOLERANCE

SOURCE = """
import asyncio, contextvars, json, os, signal, sys, time

MINE = contextvars.ContextVar("mine", default=None)
now_ns = time.perf_counter_ns
RAISED = {
    "cancelled": lambda: asyncio.CancelledError("mine"), "own": lambda: Own("base"), "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt, "generator": GeneratorExit,
}


class Own(BaseException):
    pass


class Planted:
    operations = {"hold": 1, "wait": 3, "group": 1, "thread": 1, "late": 1, "cancels_itself": 1, "child_exits": 1,
                  "blocks": 2, "forks": 0.3, **dict.fromkeys(RAISED, 0.5)}

    def __init__(self, journal):
        self._journal = journal
        self._held = {"hold": [], "other": [], "group": [], "late": []}
        self._slept_ns, self._kept = 0, []

    async def open(self):
        self._beside = asyncio.create_task(self._hold_now_and_then())

    async def close(self):
        self._beside.cancel()
        patched = sorted({"gevent", "greenlet", "locust"} & set(sys.modules))
        with open(self._journal, "w") as file:
            json.dump([self._held, self._slept_ns, patched], file)

    def make_event(self, operation, rng):
        return operation

    async def call(self, operation):
        assert MINE.get() is None, "a variable of an earlier call"
        if operation in RAISED:
            raise RAISED[operation]()
        await getattr(self, operation)()

    async def hold(self):
        MINE.set("held")
        self._hold("hold", 0.002)

    async def wait(self):
        start_ns = now_ns()
        await asyncio.sleep(0.005)
        self._slept_ns += now_ns() - start_ns

    async def group(self):
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(self.part("group"))

    async def part(self, who):
        self._hold(who, 0.0005)
        await asyncio.sleep(0.003)
        self._hold(who, 0.0005)

    async def thread(self):
        await asyncio.to_thread(time.sleep, 0.003)

    async def blocks(self):
        time.sleep(0.01)

    async def forks(self):
        "Ends a child as a pool of processes does."
        is_up, up = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(up, b"x")
            time.sleep(60)
            os._exit(1)
        os.read(is_up, 1)
        os.kill(pid, signal.SIGTERM)
        assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGTERM
        os.close(is_up), os.close(up)

    async def late(self):
        self._kept.append(asyncio.create_task(self.part("late")))

    async def cancels_itself(self):
        asyncio.current_task().cancel()

    async def child_exits(self):
        async def leave():
            raise SystemExit(4)

        async with asyncio.TaskGroup() as group:
            group.create_task(leave())

    def _hold(self, who, seconds):
        start_ns = now_ns()
        while now_ns() < start_ns + seconds * 1e9:
            pass
        self._held[who].append([start_ns, now_ns()])

    async def _hold_now_and_then(self):
        while True:
            await asyncio.sleep(0.02)
            self._hold("other", 0.003)


def create(journal):
    return Planted(journal)
"""
FAILING = {"cancelled", "own", "exit", "interrupt", "generator", "child_exits"}


CANCELLING = """
import asyncio

async def cancel_everything():
    for task in asyncio.all_tasks():
        task.cancel()
"""


def test_a_call_that_cancels_the_tasks_of_the_load_generator_is_refused(tmp_path):
    (tmp_path / "own.py").write_text(CANCELLING)
    load = ("--rate", 50, "--duration", "300ms", "--warmup", "0s")
    said = inside(tmp_path, "run", "steady", "--target", "call:own.py:cancel_everything", *load)
    assert said.code == 2
    assert "cancelled a task of the load generator" in " ".join(said.stderr.split())


class Planted:
    """A run, its rows, and what the target wrote down of it on the time axis of the table."""

    def __init__(self, folder, scenario):
        (folder / "planted.py").write_text(SOURCE)
        spec = f"planted.py:create?journal={folder / 'journal'}"
        load = ("--users", 6) if scenario == "closed" else ("--rate", 200)
        self.said = inside(
            folder, "run", scenario, "--target", spec, *load, "--duration", "1200ms", "--warmup", "0s", "--json",
            "--verbose", "--out", folder / "runs",
        )  # fmt: skip
        self.run = self.said.run
        self.rows = returned(measured(self.run["dir"]))
        held, self.slept_ns, self.patched = json.loads((folder / "journal").read_text())
        origin_ns = facts(self.run["dir"])["origin_ns"]
        self.held = {who: np.array(times).reshape(-1, 2) - origin_ns for who, times in held.items()}

    def of(self, operation):
        return self.rows[self.rows["operation"] == list(self.run["operations"]).index(operation)]

    def within(self, rows, who):
        """Return how much of the stretches of `who` lies within each of the rows."""
        starts = np.maximum(rows["entered_ns"][:, None], self.held[who][None, :, 0])
        ends = np.minimum(rows["completed_ns"][:, None], self.held[who][None, :, 1])
        return np.maximum(ends - starts, 0).sum(axis=1)

    def weights(self, file="wait"):
        return read_folded(Path(self.run["dir"]) / "wait" / f"{file}.folded").stacks


@pytest.fixture(scope="module", params=["steady", "closed"])
def planted(request, tmp_path_factory):
    return Planted(tmp_path_factory.mktemp("planted"), request.param)


@pytest.mark.measures
def test_neither_gevent_nor_locust_is_in_the_measured_process(planted):
    assert planted.patched == []
    assert planted.run["engine"] == "asyncio"


@pytest.mark.measures
def test_every_call_has_its_outcome_and_whatever_it_raises_is_a_failure_with_a_reason(planted):
    run = planted.run
    assert sum(run["outcomes"].values()) == run["planned"]
    for name, operation in run["operations"].items():
        assert operation["failed"] == (operation["count"] if name in FAILING else 0), name
    reasons = {(one["operation"], one["what"].rpartition(".")[2]) for one in run["failures"]}
    assert reasons == {
        ("cancelled", "CancelledError"), ("own", "Own"), ("exit", "SystemExit"), ("interrupt", "KeyboardInterrupt"),
        ("generator", "GeneratorExit"), ("child_exits", "SystemExit"),
    }  # fmt: skip
    assert all("planted.py:" in one["where"] for one in run["failures"])
    # Slots and users are given back: calls go on to the end.
    assert {one: run["outcomes"][one] for one in ("dropped", "unfinished", "never_started")} == {
        "dropped": 0, "unfinished": 0, "never_started": 0
    }  # fmt: skip
    assert planted.rows["completed_ns"].max() > 1_000_000_000
    assert run["operations"]["forks"]["count"] > 0
    assert not run["interrupted"]


@pytest.mark.measures
def test_no_word_of_the_other_engine_is_said(planted):
    run, page = planted.run, (Path(planted.run["dir"]) / "report.html").read_text()
    told = {key: value for key, value in run.items() if key not in {"held_by", "blocked", "locust"}}
    for words in (
        planted.said.stderr,
        json.dumps(told),
        page.replace("other_greenlets", "").replace('"locust"', ""),
    ):
        found = re.findall(r".{30}(?:gevent|[Gg]reenlet|Locust).{30}", words)
        assert not found
    for words in (planted.said.stderr, page):
        assert "driven by the asyncio engine: tasks of one event loop" in " ".join(words.split())


@pytest.mark.measures
def test_tasks_that_calls_leave_behind_are_counted_and_told(planted):
    left = planted.run["left_tasks"]
    # Of the six users, some may have left one before the measured time or after it.
    assert left == {"late": pytest.approx(planted.run["operations"]["late"]["count"], abs=6)}
    assert f"{left['late']} of late" in " ".join(planted.said.stderr.split())


@pytest.mark.measures
def test_work_in_threads_is_measured_beside_the_split(planted):
    (name, work), count = *planted.run["in_threads"].items(), planted.run["operations"]["thread"]["count"]
    assert name == "thread"
    # Of the six users, some may have begun one before the measured time or not ended it.
    assert work["length_ns"] >= 3_000_000 * (count - 6)
    assert work["cpu_ns"] < work["length_ns"]
    assert "handed to threads and waited for: thread " in " ".join(planted.said.stderr.split())


@pytest.mark.measures
def test_each_row_adds_up_to_the_waiting_of_its_operation(planted):
    for name, by in planted.run["held_by"].items():
        special = sum(length_ns for key, length_ns in by.items() if key != "operations")
        assert sum(by["operations"].values()) + special == int(planted.of(name)["wait_busy_ns"].sum()), name


@pytest.mark.measures
@pytest.mark.parametrize("who", ["hold", "other", "group", "late"])
def test_what_blocked_the_loop_is_what_the_journal_says(planted, who):
    waits, by = planted.of("wait"), planted.run["held_by"]["wait"]
    told_ns = by["other_greenlets"] if who == "other" else by["operations"][who]
    true_ns = int(planted.within(waits, who).sum())
    assert told_ns >= true_ns > 0
    # A step of a task is more than the stretch that it writes down.
    steps = sum(len(planted.held[one]) for one in planted.held)
    assert told_ns <= true_ns * (1 + 3 * TOLERANCE) + 100_000 * steps


@pytest.mark.measures
def test_the_work_of_child_tasks_is_run_of_their_call_and_late_work_is_not(planted):
    group, held = planted.of("group"), planted.held["group"]
    assert group["run_ns"].min() >= 6 * 500_000
    assert group["run_ns"].sum() <= (held[:, 1] - held[:, 0]).sum() * (1 + 3 * TOLERANCE) + 100_000 * len(
        held
    )
    # A task that is left behind begins after its call has returned.
    assert np.median(planted.of("late")["run_ns"]) < 500_000


@pytest.mark.measures
def test_the_wait_profile_adds_up_to_the_rows_and_names_the_function_that_waited(planted):
    weights = planted.weights()
    for name in planted.run["operations"]:
        mine = latencies(planted.of(name))
        for kind, metric in (("(loop idle)", "wait_idle_ns"), ("(loop busy)", "wait_busy_ns")):
            told = sum(w for stack, w in weights.items() if stack[:2] == (f"operation:{name}", kind))
            assert told == mine[metric].sum(), (name, kind)
    slept = {stack: w for stack, w in weights.items() if stack[0] == "operation:wait"}
    assert {stack[-1] for stack in slept} <= {"Planted.wait (planted.py)", "(short waits)"}
    assert 0 < sum(slept.values()) <= planted.slept_ns * (1 + TOLERANCE)
    beside = {stack: w for stack, w in planted.weights("parallel").items() if stack[0] == "operation:group"}
    assert {stack[-1] for stack in beside} <= {"Planted.part (planted.py)", "(short waits)"}
    assert sum(beside.values()) >= 3 * 3e6 * len(planted.of("group")) * 0.9


@pytest.mark.measures
def test_a_coroutine_that_blocks_is_named_and_one_that_awaits_a_thread_is_not(planted):
    blocked = planted.run["blocked"]["blocks"]
    assert blocked["blocked_ns"] / blocked["stretches"] > 8e6
    (reason,) = [one for one in planted.run["reasons"] if one.startswith("blocks holds the event loop")]
    assert "without using the CPU" in reason
    assert "not awaited" in reason
    assert (
        "thread" not in planted.run["blocked"]
        or planted.run["blocked"]["thread"]["blocked_ns"] < blocked["blocked_ns"]
    )
