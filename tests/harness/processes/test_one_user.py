"""One user of the exact drivers: failures of every kind are counted, and promises are refused."""

import asyncio
import dataclasses

import pytest

from harness.errors import RefusedError
from harness.model import Engine
from harness.processes.one_user import OneUser, Request
from harness.target.carrying import Carrier
from harness.target.loading import LoadedTarget


def user_of(call):
    nothing = dict.fromkeys(
        ("open", "close", "counters", "instrument", "record_sites", "sites"), lambda *_: None
    )
    return OneUser(
        LoadedTarget(call=call, operations={"read": 1.0}, make_event=lambda *_: None, judge=None, **nothing),
        Carrier(),
    )


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), SystemExit(1), GeneratorExit(), asyncio.CancelledError(), pytest.fail.Exception("no")],
)
def test_whatever_a_call_raises_is_a_failure(error):
    def call(event):
        if event:
            raise error

    (failure,) = user_of(call).make_all(Request("read", number) for number in (0, 1, 0, 1))
    assert (failure.operation, failure.count) == ("read", 2)
    assert failure.what.endswith(type(error).__qualname__)


def test_a_promise_is_refused_whenever_it_comes():
    user = user_of(lambda event: iter([event]) if event > 3 else event)
    assert user.make_all(Request("read", number) for number in range(4)) == []
    with pytest.raises(RefusedError, match="returned an iterator for operation 'read'"):
        user.make_all([Request("read", 4)])


def async_user_of(call, make_event=lambda *_: None):
    user = user_of(call)
    return OneUser(
        dataclasses.replace(user._target, engine=Engine.ASYNCIO, make_event=make_event), user._carrier
    )


def test_an_asynchronous_list_is_one_coroutine_of_one_loop():
    tasks = set()

    async def call(event):
        await asyncio.sleep(0)
        tasks.add(asyncio.current_task())
        if event == 2:
            raise ValueError("no")

    user = async_user_of(call)
    (failure,) = user.make_all(Request("read", number) for number in range(4))
    assert (failure.what, failure.count) == ("ValueError", 1)
    assert len(tasks) == 1
    user._target.loop.close()


@pytest.mark.parametrize("waits", [True, False])
def test_a_call_that_is_cancelled_or_cancels_its_task_ends_no_other_call(waits):
    async def call(event):
        if event == 1:
            raise asyncio.CancelledError
        if event == 2:
            asyncio.current_task().cancel()
            if not waits:
                return
        await asyncio.sleep(0)

    user = async_user_of(call)
    failures = user.make_all(Request("read", number) for number in range(5))
    assert {one.what for one in failures} == {"asyncio.exceptions.CancelledError"}
    assert sum(one.count for one in failures) == 1 + waits
    user._target.loop.close()


def test_a_child_task_that_ends_the_loop_fails_its_call_and_no_other():
    async def leave():
        raise SystemExit(3)

    async def call(event):
        if event == 1:
            async with asyncio.TaskGroup() as group:
                group.create_task(leave())

    user = async_user_of(call)
    (failure,) = user.make_all(Request("read", number) for number in range(3))
    assert (failure.what, failure.count) == ("SystemExit", 1)
    user._target.loop.close()


def test_a_promise_that_is_awaited_into_being_is_refused_too():
    async def numbers():
        yield 1

    async def call(_event):
        return numbers()

    user = async_user_of(call)
    with pytest.raises(RefusedError, match="returned an asynchronous iterator for operation 'read'"):
        user.make_all([Request("read", 1)])
    user._target.loop.close()
