"""`harness bench` with async functions: awaited in one loop and timed inside it; what only promises work is named."""

import pytest

from tests.support.cli import inside
from tests.support.toy_suite import make_project

SUITE = """
import asyncio, functools
from concurrent.futures import ThreadPoolExecutor
from measured import add

POOL = ThreadPoolExecutor(1)
HEARD = []

async def nap(s=0.002):
    await asyncio.sleep(s)
    HEARD.append(asyncio.get_running_loop())
    return s

async def nothing(): return 1
async def future(): return POOL.submit(int)
def generate(): yield 1
def once(function):
    with asyncio.Runner() as runner:
        return runner.run(function())

def test_add(benchmark): benchmark.pedantic(add, (10,), rounds=3)
def test_nap(benchmark):
    assert benchmark.pedantic(nap, rounds=5) == 0.002
    assert len({id(loop) for loop in HEARD[-5:]}) == 1
def test_nap_looped(benchmark): assert benchmark.pedantic(nap, (0.001,), iterations=3, rounds=5) == 0.001
def test_nap_set_up(benchmark):
    order = []
    async def setup():
        order.append("setup")
        return (0.001,), {}
    async def teardown(s): order.append(s)
    assert benchmark.pedantic(nap, setup=setup, teardown=teardown, rounds=5) == 0.001
    assert order == ["setup", 0.001] * 5
def test_partial(benchmark): assert benchmark(functools.partial(nap, 0.001)) == 0.001
def test_nothing(benchmark): assert benchmark.pedantic(nothing, rounds=100, iterations=20) == 1
def test_nothing_in_a_loop_each(benchmark): assert benchmark.pedantic(once, (nothing,), rounds=100) == 1

def test_generator(benchmark): benchmark(generate)
def test_returned(benchmark): benchmark(lambda: nap())
def test_future(benchmark): benchmark.pedantic(lambda: POOL.submit(int), rounds=3)
def test_awaited_future(benchmark): benchmark(future)
def test_hook(benchmark): benchmark.pedantic(int, setup=nap)
async def test_async(benchmark): benchmark(int)
def test_inside(benchmark):
    async def test(): benchmark(nap)
    asyncio.run(test())
"""
WAITS_MS = {"test_nap": 2, "test_nap_looped": 1, "test_nap_set_up": 1, "test_partial": 1}
MISSING = {
    "test_generator": "a generator function",
    "test_returned": "returns a coroutine",
    "test_future": "returns a future",
    "test_awaited_future": "returns a future",
    "test_hook": "an async function",
    "test_async": "Write `def test_…(benchmark)`, and give the async function",
    "test_inside": "while an event loop was already running",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    said = inside(make_project(tmp_path_factory.mktemp("suite") / "own", good=SUITE), "bench", "--json")
    assert said.code == 5, "some are missing"
    return said.run


@pytest.fixture(scope="module")
def times(run):
    return {name.partition("::")[2]: one for name, one in run["benchmarks"].items()}


def test_an_async_function_is_timed_with_all_that_it_awaits(times):
    assert times.keys() == {"test_add", "test_nothing", "test_nothing_in_a_loop_each", *WAITS_MS}
    for name, wait_ms in WAITS_MS.items():
        assert times[name]["min_ns"] >= wait_ms * 1e6


def test_the_start_and_the_stop_of_a_loop_are_not_in_its_time(times):
    # Hundreds of times less, in truth.
    assert times["test_nothing"]["median_ns"] < times["test_nothing_in_a_loop_each"]["median_ns"] / 20


def test_what_only_promises_work_is_named_and_the_others_are_measured(run):
    missing = {name.partition("::")[2]: why for name, why in run["missing"].items()}
    assert missing.keys() == MISSING.keys()
    for name, why in MISSING.items():
        assert why in missing[name]
