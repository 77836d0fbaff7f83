"""What runs in a slot, without its process."""

import functools
import importlib.util
import itertools
from concurrent.futures import Future

import pytest

from harness.micro import outcomes
from harness.session.slots.slot import PROGRAM


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("slot_program", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Serve:
    def __init__(self, calls):
        self.calls = calls
        self.served = []

    def __call__(self, benchmark, run):
        self.served.append((benchmark.name, run(self.calls)))


def test_the_fixture_serves_as_many_calls_as_asked_and_returns_the_functions_result(program):
    heard = []
    serve = Serve(5)
    benchmark = program.Benchmark("b", None, serve)
    assert benchmark(lambda a, b: heard.append((a, b)) or len(heard), 1, b=2) == 7
    assert heard == [(1, 2)] * 7
    assert [name for name, _ in serve.served] == ["b"]


async def promised():
    raise AssertionError("nobody awaits it")


def counted_up():
    yield 1


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (promised, "an async function"),
        (functools.partial(promised), "an async function"),
        (counted_up, "a generator function"),
        (lambda: iter([1]), "a function that returns an iterator"),
        (lambda: [Future()], "a function that returns a list with a future"),
    ],
)
@pytest.mark.parametrize("options", [None, {"rounds": 3}, {"setup": lambda: None}])
def test_what_only_promises_work_is_refused_by_name_and_never_timed(program, function, sentence, options):
    benchmark = program.Benchmark("b", None, Serve(2))
    with pytest.raises(TypeError, match=sentence):
        benchmark(function) if options is None else benchmark.pedantic(function, **options)
    assert benchmark._serve.served == []


def test_a_benchmark_that_ends_with_a_promise_fails_although_it_began_well(program):
    results = itertools.chain([1] * 3, itertools.repeat(iter("d")))
    with pytest.raises(TypeError, match="an iterator"):
        program.Benchmark("b", None, Serve(2))(lambda: next(results))


def test_setup_and_teardown_run_around_every_call_and_are_not_timed(program):
    order = []
    clock = iter(range(0, 10_000, 10))
    benchmark = program.Benchmark("b", None, Serve(2))
    real, program.time = (
        program.time,
        type("Time", (), {n: lambda: next(clock) for n in ("perf_counter_ns", "thread_time_ns")}),
    )
    try:
        result = benchmark.pedantic(
            lambda *args, **kwargs: order.append(("call", args, kwargs)) or "result",
            setup=lambda: order.append("setup") or ((1,), {"k": 2}),
            teardown=lambda *args, **kwargs: order.append(("teardown", args, kwargs)),
            rounds=7,
            iterations=1,
        )
    finally:
        program.time = real
    assert result == "result"
    assert order == ["setup", ("call", (1,), {"k": 2}), ("teardown", (1,), {"k": 2})] * 4
    # Each call takes two readings of each clock, of which the wall time spans one step.
    assert benchmark._serve.served[0][1] == (20, 60)


def test_pedantic_without_setup_is_an_ordinary_call(program):
    benchmark = program.Benchmark("b", None, Serve(1))
    assert benchmark.pedantic(max, args=(1, 2), kwargs={"key": lambda x: -x}, rounds=3) == 1


def test_a_second_use_in_one_test_is_an_error(program):
    benchmark = program.Benchmark("b", None, Serve(1))
    benchmark(int)
    with pytest.raises(RuntimeError, match="twice"):
        benchmark.pedantic(int)


def test_injected_spins_are_per_call_and_one_in_fifty_is_a_tail(program, monkeypatch):
    spun = []
    monkeypatch.setattr(program, "spin", spun.append)
    run = program.slowed(lambda calls: (0, 0), 10, 1_000)
    for calls in (40, 20, 40, 1):
        run(calls)
    assert spun == [400, 1_200, 1_400, 10]


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
    _, _, calls = program.warm_up(program.timed_loop(lambda: made.append(1)))
    assert calls == len(made)


def test_the_last_words_of_a_traceback_are_kept_without_margin():
    assert outcomes.last_line("tests/x.py:3\nE   ModuleNotFoundError: No module named 'x'\n\n") == (
        "ModuleNotFoundError: No module named 'x'"
    )
    assert outcomes.last_line("") == ""
