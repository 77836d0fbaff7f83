"""Which benchmarks work beside their calling thread, as discovery finds it."""

import os

import pytest

from harness.session.receipt import Concurrency, SessionPlan, State
from harness.session.slots import room
from harness.session.slots.block import Stage
from harness.session.slots.discovery import Ran, Survey, merge, survey
from harness.session.slots.launch import Bench, Home, Limits
from tests.support.session import bare_bench, homes, supervised

HEAD = """
import concurrent.futures, hashlib, os, subprocess, sys, threading, time
import pytest
DATA = bytes(2_000_000)
def digest(): return hashlib.sha256(DATA).digest()
"""
SUITE = (
    HEAD
    + """
def in_threads():
    threads = [threading.Thread(target=digest) for _ in range(2)]
    [one.start() for one in threads]
    [one.join() for one in threads]

@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        yield pool

def test_plain(benchmark): benchmark(digest)
def test_threads(benchmark): benchmark(in_threads)
def test_pool_that_rests(benchmark, pool): benchmark(digest)
def test_after_it(benchmark): benchmark(digest)
def test_child(benchmark): benchmark(subprocess.run, [sys.executable, "-S", "-E", "-c", "pass"], check=True)
def test_setup_in_a_child(benchmark):
    subprocess.run([sys.executable, "-S", "-E", "-c", "pass"], check=True)
    benchmark(digest)
def test_first_call_in_a_thread(benchmark):
    calls = iter([in_threads])
    benchmark(lambda: next(calls, digest)() and None)
async def awaits(): digest()
def test_async(benchmark): benchmark(awaits)
"""
)
BACKGROUND = (
    HEAD
    + """
def work():
    while True:
        digest()
        time.sleep(0.002)
if "CANDIDATE" in os.environ: threading.Thread(target=work, daemon=True).start()
def test_plain(benchmark): benchmark(digest)
"""
)
LATE = (
    HEAD
    + """
def work():
    while True: digest()
def test_plain(benchmark): benchmark(digest)
def test_leaves_a_thread(benchmark):
    benchmark(digest)
    threading.Thread(target=work, daemon=True).start()
"""
)


def found_in(tmp_path, suite):
    """Survey both sides; return {name without its file: what was found}."""
    with supervised() as supervisor:
        sides = homes(tmp_path)
        sides["candidate"] = Home("candidate", tmp_path, environment={"CANDIDATE": "1"})
        bench = bare_bench(tmp_path / "bench", suite)
        stage = Stage(supervisor, bench, sides, {}, tmp_path / "log", Limits(ready_s=30))
        found, _ = merge(survey(stage, "base"), survey(stage, "candidate"), frozenset(), bench)
    assert {one.state for one in found} == {State.BOTH}
    return {one.name.partition("::")[2]: one for one in found}


def test_threads_and_children_are_found_by_what_works(tmp_path):
    found = found_in(tmp_path, SUITE)
    assert {name: one.concurrency.value for name, one in found.items()} == {
        "test_plain": "none",
        "test_threads": "threads",
        "test_pool_that_rests": "none",
        "test_after_it": "none",
        "test_child": "children",
        "test_setup_in_a_child": "none",
        "test_first_call_in_a_thread": "none",
        "test_async": "none",
    }
    assert found["test_threads"].planned(SessionPlan()).concurrency is Concurrency.THREADS


@pytest.mark.parametrize("suite", [BACKGROUND, LATE], ids=["from the import on", "left behind at work"])
def test_a_thread_that_goes_on_belongs_to_every_benchmark(tmp_path, suite):
    found = found_in(tmp_path, suite)
    assert {one.concurrency for one in found.values()} == {Concurrency.THREADS}


@pytest.mark.parametrize(
    ("base", "candidate", "both"),
    [("none", "threads", "threads"), ("children", "threads", "children"), ("none", "none", "none")],
)
@pytest.mark.parametrize("cpus", [0.5, 1, 2, 64])
def test_what_works_beside_its_thread_cannot_be_judged_without_a_second_cpu(
    monkeypatch, base, candidate, both, cpus
):
    monkeypatch.setattr(room, "cpus", lambda: cpus)
    sides = [
        Survey({"t.py::x": "t.py"}, ran={"t.py::x": Ran(1.0, 1.0, 0.1, concurrency=Concurrency(kind))})
        for kind in (base, candidate)
    ]
    ((one,), _) = merge(*sides, frozenset(), Bench(os.curdir, os.curdir))
    assert one.concurrency == both
    expected = (
        f"it works with {both} beside its calling thread, and this session has the time of {cpus:g} CPU: at least two are "
        "needed to compare its wall time"
    )
    assert one.note == (expected if cpus < 2 and both != "none" else "")
    assert one.planned(SessionPlan()).note == one.note
