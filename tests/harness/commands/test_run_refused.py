"""What cannot be measured truthfully ends every command with exit code 2 and a sentence, and no run is valid."""

import json
import signal
from pathlib import Path

import msgspec
import pytest

from harness import cli
from harness.model import Outcome
from harness.processes.loadrun import LoadPlan
from tests.support.cli import facts, measured, returned, sentence_of, table
from tests.support.gate import make_shop
from tests.support.git import git
from tests.support.locust import Crew

YIELDS = (
    "class create:\n    async def call(self, event):\n        yield 1\nasync def numbers():\n    yield 1\n"
)
# Awaits, and returns what is not done all the same.
PROMISES = """
import asyncio

class create:
    operations = {"read": 1}

    def __init__(self, after="0"):
        self.left = int(after)

    async def call(self, event):
        self.left -= 1
        await asyncio.sleep(0)
        return {"status": 200} if self.left >= 0 else asyncio.ensure_future(asyncio.sleep(0.05))
"""
# Its events cannot be copied, and a new one cannot be awaited between two calls.
ASKS = """
import asyncio

class create:
    operations = {"read": 1}

    def __init__(self, after="0"):
        pass

    async def make_event(self, operation, rng):
        return (one for one in [1])

    async def call(self, event):
        await asyncio.sleep(0)
        return next(event)
"""
JUDGES = (
    "class create:\n    async def call(self, event): pass\n    async def outcome(self, result): return True\n"
)
# Sees nothing on its face: a function that returns a coroutine, from the call `after` on.
LATER = """
import asyncio, time

class create:
    operations = {"read": 1}

    def __init__(self, after="0"):
        self.left = int(after)

    def call(self, event):
        self.left -= 1
        time.sleep(0.0005)
        return {"status": 200} if self.left >= 0 else self.work()

    async def work(self):
        await asyncio.sleep(0.05)
"""
LOOPS = """
import asyncio

class create:
    def call(self, event):
        return asyncio.run(self.work())

    async def work(self):
        await asyncio.sleep(0.02)
"""
POOL = """
import multiprocessing

class create:
    def call(self, event):
        try:
            with multiprocessing.Pool(2) as pool:
                return pool.map(abs, [1, -1])
        except OSError:
            return None
"""
ENDS = """
import asyncio, itertools
import gevent, pytest

class Own(BaseException): pass

class create:
    def __init__(self):
        faults = [
            gevent.GreenletExit, GeneratorExit, Own, asyncio.CancelledError, lambda: pytest.fail.Exception("no"),
            KeyboardInterrupt,
        ]
        self.take = itertools.cycle([one for fault in faults for one in (None, None, None, fault)]).__next__

    def call(self, event):
        fault = self.take()
        gevent.sleep(0.001)
        if fault:
            raise fault()
        return {"status": 200}
"""
STUCK = "import gevent\nclass create:\n    def call(self, event):\n        gevent.sleep(60)\n"
# Its first calls return: those of the first moment may lie before the measured time.
STICKS = """
import gevent
class create:
    calls = 0
    def call(self, event):
        self.calls += 1
        gevent.sleep(0.1 if self.calls < 5 else 60)
"""
# A refusal ends a run long before.
LONG = ("--duration", "20s", "--warmup", "0s", "--no-report")
SHORT = ("--duration", "1s", "--warmup", "0s", "--no-report")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, source in {"yields": YIELDS, "promises": PROMISES, "asks": ASKS, "judges": JUDGES, "later": LATER, "loops": LOOPS, "pool": POOL, "ends": ENDS,
                         "stuck": STUCK, "sticks": STICKS}.items():  # fmt: skip
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def said(folder, capsys):
    """Run a command in this process; returns its exit code, its JSON document, and the sentences that it said."""

    def say(*words):
        code = cli.main([*map(str, words), "--json"])
        out, err = capsys.readouterr()
        return int(code), json.loads(out), err

    return say


COMMANDS = {
    "run": ("run", "steady", "--target", "{}", "--rate", 50, *LONG),
    "run closed": ("run", "closed", "--target", "{}", "--users", 2, *LONG),
    "run with workers": ("run", "closed", "--target", "{}", "--users", 2, "--workers", 2, *LONG),
    "max throughput": ("run", "max-throughput", "--target", "{}", *LONG),
    "profile": ("profile", "steady", "--target", "{}", "--rate", 50, "--duration", "5s"),
    "capacity": ("capacity", "steady", "--target", "{}", "--slo", "p99<25ms"),
    "compare exactly": ("compare", "target:{}", "target:{}?after=1", "--suite", "exact"),
    "compare micro": ("compare", "target:{}", "target:{}?after=1", "--suite", "micro"),
    "compare under load": ("compare", "target:{}", "target:{}?after=1", "--suite", "load", "--budget", "20m"),
}


# What shows when the target is made ends every command as it does these, since none goes on without a target.
AS = {
    "yields.py:create": ("an async generator function", "Remove its yields", ("run", "run with workers")),
    "judges.py:create": ("outcome of target 'judges.py:create' is an async function", "Make it a plain function", ("run closed",)),
    "call:yields.py:numbers": ("returned an asynchronous iterator", "with `async for` inside the call", ("run closed",)),
    "promises.py:create": ("returned a future", "Wait for its result", ("compare exactly", "compare micro")),
    "asks.py:create": ("while the event loop is running", "return events that can be copied", ("run closed", "compare exactly")),
    "later.py:create": (
        "returned a coroutine", "Write `async def` and await it inside: the harness then runs it in an event loop",
        (
            "run closed", "max throughput", "profile", "capacity", "compare exactly", "compare micro",
            "compare under load",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("target", "command"), [(target, command) for target, (*_, names) in AS.items() for command in names]
)
def test_a_call_that_nobody_would_await_is_refused_by_every_command(folder, said, command, target):
    sentence, remedy, _ = AS[target]
    words = [str(word).format(target) for word in COMMANDS[command]]
    code, document, _ = said(*words)
    assert (code, document["error"]["exit_code"]) == (2, 2)
    assert sentence in sentence_of(document)
    assert remedy in sentence_of(document)
    assert not (folder / "runs").exists() or not list((folder / "runs").glob("*/timing"))


def test_the_gate_and_ablations_refuse_it_too(folder, said, monkeypatch):
    (folder / "pyproject.toml").write_text('[tool.harness]\ntarget = "yields.py:create"\n')
    code, document, _ = said("ablate", "--switch", "fast", "--budget", "60s")
    assert code == 2, document
    shop = make_shop(folder / "shop")
    work = shop / "shop" / "work.py"
    work.write_text(work.read_text().replace("return total(20)", "yield total(20)"))
    git(shop, "commit", "-qam", "generating")
    monkeypatch.chdir(shop)
    code, document, _ = said("gate", "--suite", "exact")
    assert code == 2
    assert "is a generator function" in sentence_of(document)


def test_plain_locust_ends_with_the_refusal(folder):
    with Crew(folder, HARNESS_TARGET="later.py:create?after=40") as crew:
        done = crew.end_of(crew.start("--headless", "-u", "2", "-r", "2"))
        (stored,) = crew.runs()
    assert done.code == 2, done.log
    assert "returned a coroutine" in done.log
    assert "returned a coroutine" in facts(stored)["stopped"]


@pytest.mark.parametrize(
    "pace", [("steady", "--rate", 200), ("closed", "--users", 2, "--workers", 2, "--think-time", "5ms")]
)
def test_a_refusal_on_the_way_keeps_what_was_measured_and_it_is_not_valid(folder, said, pace):
    words = ("--target", "later.py:create?after=120", *LONG)
    code, document, err = said("run", *pace, *words)
    (run,) = document["runs"]
    assert code == 2
    assert run["validity"] == "invalid"
    assert "returned a coroutine for operation 'read'" in " ".join(run["reasons"])
    assert f"The work ended early: {sentence_of(document)}" in err
    assert run["outcomes"]["completed"] >= 30
    assert (Path(run["dir"]) / "timing" / "calls.npy").exists()


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("loops.py:create", "Overlapping calls cannot each run an asyncio event loop"),
        ("pool.py:create", "multiprocessing.Pool, which hangs"),
    ],
)
def test_what_only_the_patches_of_gevent_break_is_no_failure_of_the_target(said, target, sentence):
    code, document, err = said("run", "closed", "--target", target, "--users", 4, *LONG)
    assert code == 2
    assert sentence in (sentence_of(document) if "error" in document else err)
    for run in document.get("runs", []):
        assert run["validity"] == "invalid"
        assert run["outcomes"]["failed"] == 0


def test_one_user_may_run_event_loops(said):
    _, document, _ = said("run", "closed", "--target", "loops.py:create", "--users", 1, *SHORT)
    (run,) = document["runs"]
    assert run["outcomes"]["completed"] > 0
    assert run["outcomes"]["failed"] == 0
    assert run["operations"]["call"]["service_ns"]["p50"] > 20e6


KINDS = ["CancelledError", "Failed", "GeneratorExit", "GreenletExit", "KeyboardInterrupt", "Own"]
PACES = {
    "open": ("steady", "--rate", 120, "--in-flight", 8),
    "closed": ("closed", "--users", 3, "--think-time", "3ms"),
    "back to back": ("closed", "--users", 3, "--no-split"),
}


@pytest.mark.parametrize("pace", PACES)
def test_a_call_that_raises_what_is_no_exception_has_failed_with_its_reason(said, pace):
    _, document, _ = said("run", *PACES[pace], "--target", "ends.py:create", *SHORT)
    (run,) = document["runs"]
    outcomes, failures = run["outcomes"], run["failures"]
    assert sorted(one["what"].rpartition(".")[2] for one in failures) == KINDS
    assert all(one["where"].startswith("create.call (ends.py:") for one in failures)
    assert sum(one["count"] for one in failures) == outcomes["failed"]
    assert outcomes["completed"] >= 2 * outcomes["failed"]
    assert outcomes["unfinished"] == 0
    # Every slot and every user was given back: calls were made until the end.
    assert len(returned(measured(run["dir"])[-10:]))


def test_what_the_harness_itself_ends_stays_unfinished(said, monkeypatch):
    job = LoadPlan.job
    # How long it is waited for is nothing here.
    monkeypatch.setattr(LoadPlan, "job", lambda *told: msgspec.structs.replace(job(*told), drain_s=0.1))
    _, document, _ = said("run", "closed", "--users", 2, "--target", "sticks.py:create", *SHORT)
    (run,) = document["runs"]
    assert run["outcomes"]["unfinished"] == 2
    assert run["failures"] == []


def test_users_that_locust_ends_in_the_middle_of_a_call_did_not_fail(folder):
    with Crew(folder, HARNESS_TARGET="stuck.py:create") as crew:
        process = crew.start("--headless", "-u", "2", "-r", "2")
        crew.until(lambda: 2 in crew.called().values())
        process.send_signal(signal.SIGINT)
        done = crew.end_of(process)
        (stored,) = crew.runs()
    assert table(stored)["outcome"].tolist() == [Outcome.UNFINISHED] * 2
    assert facts(stored)["failures"] == [], done.log
