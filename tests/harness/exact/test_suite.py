"""Allocations of a suite's benchmarks, counted in slots of both sides."""

import os
import subprocess
import sys
from pathlib import Path

import memray
import msgspec
import pytest

from harness.exact import slot_tools
from harness.exact.suite import MOST_CALLS, calls_traced, trace_suite, values_of
from harness.policy.policy import Policy
from harness.profiles.stacks.marker import operation_of
from harness.session.receipt import Benchmark, State
from harness.session.sides.prepare import prepare
from harness.session.sides.subjects import TreeSide, working_tree
from harness.session.slots.block import Stage
from harness.supervise import Supervisor
from tests.support.exact_suite import a_benchmark, a_stage
from tests.support.processes import descendants
from tests.support.suites import a_project

SUITE = """
import os, toy
def test_buffers(benchmark):
    assert benchmark(toy.buffers, 10)
def test_numbers(benchmark):
    assert benchmark(toy.numbers)
def test_dies(benchmark):
    benchmark(toy.end)
def test_tasks(benchmark):
    assert benchmark(toy.tasks, 10)
def test_kept(benchmark):
    benchmark.pedantic(toy.tasks, setup=lambda: ((10,), {}), rounds=9)
def test_behind(benchmark):
    benchmark(toy.behind)
"""
BASE = """
import asyncio, json
def buffers(count):
    return list(map(bytearray, [100] * count))
def numbers():
    return json.loads(json.dumps({str(n): [n] * 3 for n in range(50)}))
async def tasks(count):
    await asyncio.sleep(0)
    return await asyncio.create_task(part(count))
async def part(count):
    await asyncio.sleep(0)
    return buffers(count)
async def behind():
    asyncio.create_task(part(10))
def end():
    pass
"""
MORE = BASE.replace("count):\n    return", "count):\n    extra = bytearray(5000)\n    return")


ASYNC = ("test_tasks", "test_kept", "test_behind")


@pytest.fixture(scope="module")
def counts(supervisor, tmp_path_factory):
    stage = a_stage(supervisor, tmp_path_factory.mktemp("suite"), SUITE, BASE, MORE)
    names = ("test_buffers", "test_numbers", *ASYNC)
    benchmarks = [a_benchmark(name) for name in names]
    return {(count.benchmark, count.metric): count for count in trace_suite(stage, benchmarks)}


def test_three_repetitions_of_each_side_agree_to_the_last_allocation(counts):
    for count in counts.values():
        if count.metric == "allocations":
            assert (len(count.base), len(count.candidate)) == (3, 3)
            for values in (count.base, count.candidate):
                # Bookkeeping of asyncio that comes once in many tasks may come in one repetition and not in the next.
                most = 0.2 if count.benchmark.partition("::")[2] in ASYNC else 0.0
                assert max(values) - min(values) <= most


def test_one_more_buffer_in_a_call_is_two_more_allocations_of_that_function(counts):
    count = counts["test_toy.py::test_buffers", "allocations"]
    assert count.candidate[0] - count.base[0] == 2
    name = "buffers (toy/__init__.py)"
    assert count.candidate_sites[name] - count.base_sites[name] == 2
    peak = counts["test_toy.py::test_buffers", "peak_bytes"]
    assert peak.candidate[0] - peak.base[0] >= 5000


@pytest.mark.parametrize("name", ASYNC)
def test_work_planted_in_a_child_task_is_found_and_the_loop_is_in_no_count(counts, name):
    count = counts[f"test_toy.py::{name}", "allocations"]
    assert count.candidate[0] - count.base[0] == pytest.approx(2, abs=0.2)
    site = "buffers (toy/__init__.py)"
    assert count.candidate_sites[site] - count.base_sites[site] == 2
    assert not any("run_forever" in one or "slot_" in one for one in count.base_sites)
    assert (count.base_elsewhere, count.unseen) == (0, "")


def test_what_did_not_change_is_equal_on_both_sides(counts):
    count = counts["test_toy.py::test_numbers", "allocations"]
    assert count.base == count.candidate
    assert count.base_sites == count.candidate_sites
    assert count.note == ""


def test_a_slot_that_dies_is_said_and_ends_no_more_than_itself(supervisor, tmp_path):
    candidate = BASE.replace("def end():\n    pass", "def end():\n    import os; os._exit(3)")
    stage = a_stage(supervisor, tmp_path, SUITE, BASE, candidate)
    benchmarks = [a_benchmark("test_buffers"), a_benchmark("test_dies")]
    before = descendants(os.getpid())
    counts = {(one.benchmark, one.metric): one for one in trace_suite(stage, benchmarks, repetitions=1)}
    assert descendants(os.getpid()) <= before
    dead = counts["test_toy.py::test_dies", "allocations"]
    assert (len(dead.base), dead.candidate) == (1, [])
    assert "candidate: " in dead.note
    assert "exit code 3" in dead.note
    assert len(counts["test_toy.py::test_buffers", "allocations"].candidate) == 1


def test_what_one_side_cannot_run_is_not_counted(supervisor, tmp_path):
    stage = a_stage(supervisor, tmp_path, SUITE, BASE, BASE)
    new = [a_benchmark("test_buffers")]
    new[0] = type(new[0])(name=new[0].name, state=State.NEW)
    assert trace_suite(stage, new) == []


@pytest.mark.parametrize(
    ("ns", "calls"),
    [(0.0, MOST_CALLS), (1e6, MOST_CALLS), (50e6, 4), (3e9, 1)],
)
def test_slow_calls_are_traced_less_often_and_both_sides_alike(ns, calls):
    assert calls_traced(a_benchmark("test_numbers", ns)) == calls


ALONE = """
import runpy, sys
tools, record, packages = sys.argv[1:]
runpy.run_path(tools)["trace"](lambda calls: [bytearray(9) for _ in range(calls)], 5, record, packages, 5)
print(packages in sys.path)
"""


def test_a_side_whose_environment_lacks_memray_is_traced_with_ours(tmp_path):
    record, packages = tmp_path / "memory.bin", Path(memray.__file__).parent.parent
    said = subprocess.run(
        # Without its site-packages, as an environment of its own is.
        [sys.executable, "-I", "-S", "-c", ALONE, slot_tools.__file__, record, packages],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.stdout == "False\n"
    # Ten objects and their buffers, and the list that grows twice.
    assert 2 * 5 <= values_of(record, 1)["allocations"].value <= 2 * 5 + 4


def test_the_tools_of_a_slot_speak_of_operations_as_our_readers_do():
    marked = slot_tools.under_marker(lambda calls: calls, slot_tools.CALLS)
    assert operation_of(marked.__code__.co_name) == slot_tools.CALLS
    assert marked(3) == 3


def test_a_benchmark_of_one_call_is_counted_by_that_call(tmp_path):
    suite = """
import toy

MADE = []

def once():
    assert not MADE
    MADE.append(1)
    toy.work()

def test_once(benchmark):
    benchmark.pedantic(once, rounds=1)
"""
    sources = (f"def work():\n    return [bytes(200_000) for _ in range({count})]\n" for count in (5, 8))
    with Supervisor() as supervisor:
        stage = a_stage(supervisor, tmp_path, suite, *sources)
        benchmark = msgspec.structs.replace(a_benchmark("test_once"), most_calls=1)
        counts = trace_suite(stage, [benchmark], 2)
    (allocations,) = [one for one in counts if one.metric == "allocations"]
    assert allocations.candidate[0] - allocations.base[0] == 3, counts


def test_functions_of_the_suite_itself_have_one_name_on_both_sides(supervisor, tmp_path):
    """Each side sees the suite in a folder of its own; a change is blamed on the function that changed alone."""
    suite = """
        import pkg
        def of_the_suite(): return [bytes(9_999) for _ in range(3)] + pkg.work()
        def test_it(benchmark): benchmark(of_the_suite)
        """
    base, candidate = (
        a_project(
            tmp_path / name,
            {
                "benchmarks/test_x.py": suite,
                "src/pkg/__init__.py": f"def work(): return [bytes(9_999) for _ in range({count})]\n",
            },
        )
        for name, count in (("base", 3), ("candidate", 9))
    )
    sides = TreeSide(f"path:{base}", base), working_tree(candidate)
    with prepare(*sides, Policy(), supervisor, tmp_path / "log") as made:
        stage = Stage(
            supervisor, made.bench, made.homes, {"test_x.py::test_it": "test_x.py"}, tmp_path / "log"
        )
        one = Benchmark(name="test_x.py::test_it", base_ns=1e5, candidate_ns=1e5)
        counts = trace_suite(stage, [one], 1)
    (allocations,) = (one for one in counts if one.metric == "allocations")
    base_sites, candidate_sites = allocations.base_sites, allocations.candidate_sites
    assert any("benchmarks/test_x.py" in site for site in base_sites)
    changed = {
        site for site in {*base_sites, *candidate_sites} if base_sites.get(site) != candidate_sites.get(site)
    }
    assert changed
    assert all("pkg/__init__.py" in site for site in changed)
