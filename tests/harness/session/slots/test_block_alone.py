"""Blocks with benchmarks that work beside their calling thread: one slot runs at a time."""

import os

import pytest

from harness.session.receipt import NULL_CONTROL, Benchmark, Concurrency, Phase
from harness.session.slots import block as block_module
from harness.session.slots.block import BlockRequest, Stage, run_block
from harness.session.slots.launch import Limits
from tests.support.session import bare_bench, homes, supervised

SUITE = """
import os, threading
from pathlib import Path

def note(name):
    with Path(__file__).with_name(name).open("a") as file:
        print(*sorted({cpu for task in os.listdir("/proc/self/task") for cpu in os.sched_getaffinity(int(task))}), file=file)

def test_plain(benchmark):
    note("plain")
    benchmark(sum, range(50))

def test_threads(benchmark):
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    note("threads")
    benchmark(sum, range(50))
    ended.set(), thread.join()

def test_lazy(benchmark):
    def work():
        thread = threading.Thread(target=sum, args=(range(200_000),))
        thread.start(), thread.join()
    benchmark(work)
"""


def mark(name, **fields):
    return Benchmark(name=f"test_bench.py::test_{name}", calls=10, pairs=3, **fields)


def control(benchmark):
    return Benchmark(
        name=NULL_CONTROL, of=benchmark.name, calls=10, pairs=3, concurrency=benchmark.concurrency
    )


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.setattr(block_module, "taken_share", lambda _: 0.0)
    with supervised() as supervisor:
        files = {f"test_bench.py::test_{name}": "test_bench.py" for name in ("plain", "threads", "lazy")}
        limits = Limits(start_s=60, ready_s=30, slice_s=30, end_s=10)
        bench = bare_bench(tmp_path / "bench", SUITE)
        yield Stage(supervisor, bench, homes(tmp_path), files, tmp_path / "log", limits)


def cpus(stage, name):
    """Return the CPUs of each slot at a benchmark, as text."""
    return (stage.bench.folder / name).read_text().splitlines()


@pytest.mark.parametrize("carrier", ["plain", "threads"])
def test_an_ordinary_benchmark_is_pinned_beside_one_with_threads_which_is_not(stage, carrier):
    plain, threads = mark("plain"), mark("threads", concurrency=Concurrency.THREADS)
    of = plain if carrier == "plain" else threads
    done = run_block(stage, BlockRequest(0, Phase.SCREEN, 1, [plain, threads, control(of)]))
    assert (done.trouble, done.failed) == (None, {})
    everything = " ".join(map(str, sorted(os.sched_getaffinity(0))))
    assert cpus(stage, "plain") == [str(done.cpu)] * (3 if carrier == "plain" else 2)
    assert cpus(stage, "threads") == [everything] * (3 if carrier == "threads" else 2)
    assert len(done.slices[threads.name].base_other_cpu_ns) == 3
    assert done.slices[plain.name].base_other_cpu_ns == []
    assert set(done.idle_cpu) == {"base", "candidate"}
    assert all(0 <= share < 0.5 for share in done.idle_cpu.values()), "the thread rests"
    readings = (done.sentinel.base_ns, done.sentinel.candidate_ns, done.sentinel.null_ns)
    assert min(map(len, readings)) >= 4
    assert plain.name not in done.beside


def test_threads_that_begin_to_work_after_discovery_are_told_by_the_block(stage):
    plain, lazy = mark("plain"), mark("lazy")
    done = run_block(stage, BlockRequest(0, Phase.SCREEN, 1, [plain, lazy]))
    assert done.beside == {lazy.name: Concurrency.THREADS}
    assert done.idle_cpu == {}
    assert set(cpus(stage, "plain")) == {str(done.cpu)}
