"""The benchmark fixture of a slot: plain and async functions, served in slices."""

import asyncio
import functools
import hashlib
import itertools
import threading
import time
from concurrent.futures import Future

import pytest

from harness.session.slots import slot_benchmark
from harness.session.slots.slot_benchmark import Benchmark

CLOCKS = ("perf_counter_ns", "thread_time_ns")


class Serve:
    def __init__(self, calls):
        self.calls = calls
        self.served = []

    def __call__(self, benchmark, run):
        self.served.append((benchmark.name, run(self.calls)))


def test_the_fixture_serves_as_many_calls_as_asked_and_returns_the_functions_result():
    heard = []
    serve = Serve(5)
    benchmark = Benchmark("b", None, serve)
    assert benchmark(lambda a, b: heard.append((a, b)) or len(heard), 1, b=2) == 7
    assert heard == [(1, 2)] * 7
    assert [name for name, _ in serve.served] == ["b"]


async def numbers():
    yield 1


async def future():
    return Future()


async def nap():
    await asyncio.sleep(0.002)


def counted_up():
    yield 1


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (numbers, "an async generator function"),
        (functools.partial(numbers), "an async generator function"),
        (future, "a function that returns a future"),
        (counted_up, "a generator function"),
        (lambda: iter([1]), "a function that returns an iterator"),
        (lambda: [Future()], "a function that returns a list with a future"),
    ],
)
@pytest.mark.parametrize("options", [None, {"rounds": 3}, {"setup": lambda: None, "rounds": 3}])
def test_what_only_promises_work_is_refused_by_name_and_never_timed(function, sentence, options):
    benchmark = Benchmark("b", None, Serve(2))
    with pytest.raises(TypeError, match=sentence):
        benchmark(function) if options is None else benchmark.pedantic(function, **options)
    assert benchmark._serve.served == []


def test_a_benchmark_that_ends_with_a_promise_fails_although_it_began_well():
    results = itertools.chain([1] * 3, itertools.repeat(iter("d")))
    with pytest.raises(TypeError, match="an iterator"):
        Benchmark("b", None, Serve(2))(lambda: next(results))


def test_setup_and_teardown_run_around_every_call_and_are_not_timed():
    order = []
    clock = iter(range(0, 10_000, 10))
    benchmark = Benchmark("b", None, Serve(2))
    real, slot_benchmark.time = (
        slot_benchmark.time,
        type("Time", (), {name: lambda: next(clock) for name in CLOCKS} | {"process_time_ns": lambda: 0}),
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
        slot_benchmark.time = real
    assert result == "result"
    assert order == ["setup", ("call", (1,), {"k": 2}), ("teardown", (1,), {"k": 2})] * 4
    # Each call takes two readings of each clock, of which the wall time spans one step.
    assert benchmark._serve.served[0][1] == (20, 60)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("options", [None, {"setup": lambda: time.sleep(0.02), "rounds": 9}])
def test_the_first_call_is_timed_by_itself_and_without_its_setup(is_async, options):
    """The first call burns 30 ms, later ones nothing; a setup of 20 ms is not in it."""
    made = []

    def work():
        made.append(1)
        end_s = time.thread_time() + (0.03 if len(made) == 1 else 0.0)
        while time.thread_time() < end_s:
            pass

    async def work_async():
        work()

    benchmark, function = Benchmark("b", None, Serve(3)), work_async if is_async else work
    benchmark(function) if options is None else benchmark.pedantic(function, **options)
    wall_ns, cpu_ns = benchmark.first_call
    assert cpu_ns >= 30_000_000
    assert wall_ns >= cpu_ns * 0.9
    ((_, (served_ns, _)),) = benchmark._serve.served
    assert served_ns < wall_ns / 3
    assert benchmark.calls == 2  # the first and the last; a slot counts those of its slices


def test_calls_that_a_suite_makes_before_are_counted_and_the_very_first_is_the_first():
    benchmark, lengths_s = Benchmark("b", None, Serve(1)), iter([0.02, 0, 0, 0, 0])
    call = benchmark.counted(lambda: time.sleep(next(lengths_s)))
    call()
    call()
    benchmark(lambda: time.sleep(next(lengths_s)))
    assert benchmark.first_call[0] >= 20_000_000
    assert benchmark.first_call[1] < 20_000_000, "it slept"
    assert benchmark.calls == 4


def test_the_first_call_counts_the_cpu_time_of_its_threads():
    def work():
        thread = threading.Thread(target=hashlib.sha256, args=(bytes(20_000_000),))
        thread.start()
        thread.join()

    benchmark, own_ns = Benchmark("b", None, Serve(1)), time.thread_time_ns()
    benchmark(work)
    assert benchmark.first_call[1] > time.thread_time_ns() - own_ns


def test_pedantic_without_setup_is_an_ordinary_call():
    benchmark = Benchmark("b", None, Serve(1))
    assert benchmark.pedantic(max, args=(1, 2), kwargs={"key": lambda x: -x}, rounds=3) == 1


def test_a_second_use_in_one_test_is_an_error():
    benchmark = Benchmark("b", None, Serve(1))
    benchmark(int)
    with pytest.raises(RuntimeError, match="twice"):
        benchmark.pedantic(int)


ASYNC_FORMS = {
    "called": lambda benchmark, function, *args: benchmark(function, *args),
    "partial": lambda benchmark, function, *args: benchmark(functools.partial(function, *args)),
    "pedantic": lambda benchmark, function, *args: benchmark.pedantic(function, args=args, rounds=2),
    "with setup": lambda benchmark, function, *args: benchmark.pedantic(
        function, setup=lambda: (args, {}), rounds=9
    ),
}


@pytest.mark.parametrize("form", ASYNC_FORMS)
def test_an_async_function_is_awaited_in_one_loop_and_its_result_returned(form):
    heard = []

    async def work(number):
        await asyncio.sleep(0)
        heard.append((number, asyncio.get_running_loop(), asyncio.current_task()))
        return len(heard)

    benchmark = Benchmark("b", None, Serve(5))
    assert ASYNC_FORMS[form](benchmark, work, 3) == 7
    assert [number for number, _, _ in heard] == [3] * 7
    assert len({id(loop) for _, loop, _ in heard}) == 1
    assert len({id(task) for _, _, task in heard[1:6]}) == 1, "a slice is one coroutine"
    assert heard[0][1].is_closed()


@pytest.mark.parametrize("form", ["called", "with setup"])
def test_the_time_of_an_async_call_is_that_of_its_work_and_not_of_its_coroutine(form):
    benchmark = Benchmark("b", None, Serve(5))
    ASYNC_FORMS[form](benchmark, nap)
    ((_, (wall_ns, cpu_ns)),) = benchmark._serve.served
    assert wall_ns >= 5 * 2_000_000
    assert cpu_ns < wall_ns / 2


def test_the_start_and_the_stop_of_the_loop_are_in_no_time():
    """Readings of both clocks, counted: two of each for a slice, whatever the loop does around them."""
    clock = iter(range(0, 10_000, 10))
    benchmark = Benchmark("b", None, Serve(9))
    real, slot_benchmark.time = (
        slot_benchmark.time,
        type("Time", (), {name: lambda: next(clock) for name in CLOCKS} | {"process_time_ns": lambda: 0}),
    )
    order = []

    async def work():
        order.append(next(clock))

    try:
        benchmark(work)
    finally:
        slot_benchmark.time = real
    ((_, (wall_ns, cpu_ns)),) = benchmark._serve.served
    # The two readings of the wall clock are next to the nine calls, with nothing in between.
    assert (wall_ns, cpu_ns) == (100, 120)
    # The first call and the last have a clock reading before them, which tells when the first began.
    assert order == [10, *range(50, 140, 10), 170]


def test_async_setup_and_teardown_of_an_async_function_are_awaited():
    order = []

    async def setup():
        order.append("setup")
        return (1,), {}

    async def work(number):
        order.append(number)

    async def teardown(number):
        order.append(f"end {number}")

    Benchmark("b", None, Serve(1)).pedantic(work, setup=setup, teardown=teardown, rounds=9)
    assert order == ["setup", 1, "end 1"] * 3


@pytest.mark.parametrize("hook", ["setup", "teardown"])
def test_an_async_hook_of_a_plain_function_is_refused_since_nobody_awaits_it(hook):
    with pytest.raises(TypeError, match="an async function"):
        Benchmark("b", None, Serve(1)).pedantic(int, **{hook: nap})


def test_an_async_function_within_another_loop_is_refused_and_a_plain_one_is_not():
    async def test(function):
        return Benchmark("b", None, Serve(1))(function)

    with pytest.raises(RuntimeError, match="Write `def test_…"):
        asyncio.run(test(nap))
    assert asyncio.run(test(int)) == 0


def test_a_loop_that_a_benchmark_brings_is_used_and_left_open():
    loop = slot_benchmark.EventLoop()
    mine = loop.run(running())
    benchmark = Benchmark("b", None, Serve(1))
    benchmark.loop = loop
    assert benchmark(running) is mine
    assert not mine.is_closed()
    loop.close()


async def running():
    return asyncio.get_running_loop()
