"""One pair of slots under Callgrind, on benchmarks of known truth."""

import pytest

from harness.instructions.amounts import Amount
from harness.instructions.pair import run_pairs
from harness.instructions.suite import count_once
from harness.session.conductor import warm_byte_code
from tests.support.exact_suite import a_stage
from tests.support.valgrind import needs_valgrind

SUITE = """
import subprocess, threading, toy
def test_loop(benchmark):
    benchmark(toy.loop, 8_000)
def test_same(benchmark):
    benchmark(sorted, list(range(500, 0, -1)))
def test_after_setup(benchmark):
    benchmark.pedantic(toy.loop, setup=lambda: (toy.loop(40_000), ((8_000,), {}))[1], rounds=9)
def test_async(benchmark):
    benchmark(toy.later, 8_000)
def test_async_after_setup(benchmark):
    benchmark.pedantic(toy.later, setup=lambda: (toy.loop(40_000), ((8_000,), {}))[1], rounds=9)
def test_threads(benchmark):
    def work():
        thread = threading.Thread(target=toy.loop, args=(8_000,))
        thread.start()
        thread.join()
    benchmark(work)
def test_children(benchmark):
    benchmark(subprocess.run, ["/bin/true"])
def test_replayed(benchmark):
    events = iter(range(100, 10_000, 100))
    def rewind():
        nonlocal events
        events = iter(range(100, 10_000, 100))
    def call():
        toy.loop(next(events))
    benchmark.rewind = rewind
    benchmark(call)
def test_dies(benchmark):
    benchmark(toy.end)
"""
BASE = """
import asyncio
def loop(count):
    for number in range(count):
        pass
async def later(count):
    await asyncio.sleep(0)
    loop(count)
def end():
    pass
"""
SLOWER = BASE.replace("range(count)", "range(count + count // 200)").replace(
    "def end():\n    pass", "def end():\n    import os; os._exit(3)"
)
LOOPS = ("test_loop", "test_after_setup", "test_async", "test_async_after_setup")


@pytest.fixture(scope="module")
def outcomes(supervisor, tmp_path_factory):
    stage = a_stage(supervisor, tmp_path_factory.mktemp("pair"), SUITE, BASE, SLOWER)
    # Compiling shifts what lies in memory; in a session both sides have been imported before.
    warm_byte_code(stage, ("base", "candidate"))
    amounts = {name: Amount(1e6, calls=2, windows=1, warm=10) for name in stage.files}
    found = run_pairs(stage, amounts, count_once, seed=1)
    return {name.partition("::")[2]: one for name, one in found.items()}


def change(outcome):
    assert (outcome.trouble, {one["unseen"] for one in outcome.answers.values()}) == ("", {""})
    return outcome.answers["candidate"]["count"] / outcome.answers["base"]["count"] - 1


@needs_valgrind
@pytest.mark.parametrize("name", LOOPS)
def test_half_a_per_cent_more_turns_are_half_a_per_cent_more_instructions(outcomes, name):
    assert 0.0035 < change(outcomes[name]) < 0.0055


@needs_valgrind
def test_what_did_not_change_is_equal_but_for_the_memory_layout_of_one_pair(outcomes):
    # A list of 500 is copied: where it happens to lie costs a hundred instructions more or fewer.
    assert abs(change(outcomes["test_same"])) < 0.01


@needs_valgrind
def test_setups_and_the_switch_of_counting_are_in_no_count(outcomes):
    count = {name: outcomes[name].answers["base"]["count"] for name in LOOPS}
    assert count["test_after_setup"] == pytest.approx(count["test_loop"], rel=0.01)
    # The setup of a call is five times its work.
    assert count["test_async_after_setup"] == pytest.approx(count["test_async"], rel=0.1)


@needs_valgrind
def test_each_window_begins_with_the_same_inputs(outcomes):
    # The calls of a window are 100 and 200 turns long, those that the longer one has besides 300 and 400. Without a new
    # beginning they would go on growing, as they did while the benchmark was warmed up.
    counts = [outcomes[name].answers["base"]["count"] for name in ("test_replayed", "test_loop")]
    assert counts[0] / counts[1] == pytest.approx(350 / 8_000, rel=0.5)


@needs_valgrind
@pytest.mark.parametrize(
    ("name", "why"), [("test_threads", "other threads used"), ("test_children", "child processes worked")]
)
def test_work_that_is_not_counted_exactly_is_named(outcomes, name, why):
    assert all(why in one["unseen"] for one in outcomes[name].answers.values())


@needs_valgrind
def test_a_benchmark_that_ends_its_slot_is_named_and_the_others_are_counted(outcomes):
    assert "The candidate's slot" in outcomes["test_dies"].trouble
    assert "exit code 3" in outcomes["test_dies"].trouble
    assert outcomes["test_dies"].answers == {}
    assert len([one for one in outcomes.values() if one.answers]) == len(outcomes) - 1
