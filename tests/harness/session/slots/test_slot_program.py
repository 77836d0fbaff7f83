"""What runs in a slot, without its process."""

import importlib.util

import pytest

from harness.micro import outcomes
from harness.session.slots.slot import PROGRAM
from harness.session.slots.slot_benchmark import timed_loop


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("slot_program", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_injected_spins_are_per_call_and_one_in_fifty_is_a_tail(program, monkeypatch):
    spun = []
    monkeypatch.setattr(program, "spin", spun.append)
    run = program.slowed(lambda calls: (0, 0), 10, 1_000)
    for calls in (40, 20, 40, 1):
        run(calls)
    assert spun == [400, 1_200, 1_400, 10]


def test_of_a_benchmark_with_few_calls_a_block_some_blocks_hold_a_slow_one_and_others_do_not(
    program, monkeypatch
):
    spun = []
    monkeypatch.setattr(program, "spin", spun.append)
    for done in range(program.TAIL_EVERY):
        program.slowed(lambda calls: (0, 0), 0, 1_000, done)(40)
    assert (spun.count(1_000), spun.count(0)) == (40, 10)


def test_warming_up_goes_on_while_runs_get_faster(program):
    times = iter([2_000_000] * 3 + [1_500_000] * 3 + [1_000_000] * 100)
    taken = []
    clock = [0]

    def run(calls):
        taken.append(next(times))
        clock[0] += taken[-1]
        return taken[-1], 0

    real, program.time = program.time, type("Time", (), {"perf_counter_ns": lambda: clock[0]})
    try:
        ns, whole_ns, made = program.warm_up(run)
    finally:
        program.time = real
    assert (ns, whole_ns) == (1_000_000, 1_000_000)
    assert made == len(taken)
    assert 10 < len(taken) < 20


def test_the_calls_of_a_warm_up_are_counted_to_the_last(program):
    made = []
    _, _, calls = program.warm_up(timed_loop(lambda: made.append(1)))
    assert calls == len(made)


def test_the_last_words_of_a_traceback_are_kept_without_margin():
    assert outcomes.last_line("tests/x.py:3\nE   ModuleNotFoundError: No module named 'x'\n\n") == (
        "ModuleNotFoundError: No module named 'x'"
    )
    assert outcomes.last_line("") == ""


def test_an_async_test_is_refused_with_what_to_write(program):
    async def test_calls(benchmark):
        """Never run."""

    item = type("Item", (), {"obj": staticmethod(test_calls)})
    with pytest.raises(TypeError, match=r"Write `def test_…\(benchmark\)`, and give the async function"):
        program.Plugin({}, None, None).pytest_pyfunc_call(item)


def test_the_calls_of_slices_are_counted_whatever_makes_them_and_their_wall_time_added_up(program):
    made = []
    benchmark = type("Fixture", (), {"calls": 1, "call_s": []})()
    calls = program.Calls(benchmark, lambda number: (made.append(number), (100 * number, 50 * number))[1])
    assert calls(3) == (300, 150)
    calls.run = program.slowed(calls.run, 0, 0)
    wall_ns, cpu_ns, other_ns = calls.of_all(4)
    assert wall_ns >= 400
    assert cpu_ns >= 200
    assert other_ns < 200_000, "there is no other thread"
    assert (made, benchmark.calls) == ([3, 4], 8)
    assert calls.wall_ns == 300 + wall_ns


def test_the_sentinel_is_the_mean_of_its_loops(program):
    one = min(program.sentinel_ns(1) for _ in range(5))
    assert 0.5 * one < min(program.sentinel_ns(4) for _ in range(5)) < 2 * one
