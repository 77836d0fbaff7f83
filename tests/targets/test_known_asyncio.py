"""The targets of known truth as coroutines: the same names, parameters and journals as the others."""

import asyncio
import contextlib
import inspect

import pytest

from harness.target.importing import load_object
from harness.target.loading import make
from harness.work.subjects import find_scenario, select
from targets import known_asyncio
from targets.registry import TARGETS
from tests.support.cli import journal

KNOWN = [name for name in TARGETS if name.startswith("known:")]


@pytest.mark.parametrize("name", KNOWN)
def test_each_known_target_is_a_coroutine_for_the_asyncio_engine(name):
    scenario = find_scenario("steady")
    usual, other = select(name, scenario, ()), select(f"{name}?engine=asyncio", scenario, ())
    assert (usual.entry.factory.split(":")[0], other.entry.factory.split(":")[0]) == (
        "targets.known", "targets.known_asyncio"
    )  # fmt: skip
    factories = [load_object(one.entry.factory) for one in (usual, other)]
    parameters = [inspect.signature(factory).parameters for factory in factories]
    assert [*map(str, parameters[0].values())] == [*map(str, parameters[1].values())]
    target = make(other.entry.factory, dict(other.spec.parameters))
    assert target.is_async
    target.close()


def test_a_known_target_keeps_its_journal_also_of_failed_calls(tmp_path):
    target = known_asyncio.failing(every="2", journal=str(tmp_path / "journal"))

    async def calls():
        for _ in range(4):
            with contextlib.suppress(RuntimeError):
                await target.call({})

    asyncio.run(calls())
    target.close()
    records = journal(tmp_path / "journal")
    assert records["failed"].tolist() == [0, 1, 0, 1]
    assert (records["end_ns"] >= records["start_ns"]).all()


def test_calls_that_wait_give_the_loop_away_and_a_stall_holds_it():
    async def ten(target):
        loop = asyncio.get_running_loop()
        began_s, calls = loop.time(), [asyncio.create_task(target.call({})) for _ in range(10)]
        await asyncio.sleep(0)
        # All of them have begun and wait, except one that held the loop.
        in_flight = sum(not call.done() for call in calls)
        await asyncio.gather(*calls)
        return in_flight, loop.time() - began_s

    in_flight, lasted_s = asyncio.run(ten(known_asyncio.constant(service_ms="200")))
    assert (in_flight, lasted_s >= 0.2) == (10, True)
    in_flight, lasted_s = asyncio.run(ten(known_asyncio.stall(at_call="3", stall_ms="30", service_ms="200")))
    assert (in_flight, lasted_s >= 0.2) == (9, True)
