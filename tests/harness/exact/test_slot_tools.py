"""The tools of a slot, without its process: calls for a profiler are under the marker, wherever they work."""

import asyncio
import functools
import sys
import threading

import pytest

from harness.exact import slot_tools
from harness.profiles.stacks.marker import operation_of
from harness.session.slots.slot_benchmark import EventLoop, InLoop, await_all, timed_loop


def operations():
    """Return the operations whose markers are on the stack."""
    frame, found = sys._getframe(), set()
    while frame is not None:
        found.add(operation_of(frame.f_code.co_name))
        frame = frame.f_back
    return found - {None}


async def in_a_child_task():
    return operations()


@pytest.fixture
def heard():
    return []


def test_plain_calls_are_made_under_the_marker(heard):
    slot_tools.repeat(timed_loop(lambda: heard.append(operations())), 3)
    assert heard == [{slot_tools.CALLS}] * 3
    assert operations() == set()


def test_awaited_calls_are_too_with_their_child_tasks_and_threads_and_the_loop_between_them_is_not(heard):
    loop = EventLoop()
    ticks = []

    async def call():
        heard.append(operations())
        await asyncio.sleep(0)
        heard.append(operations())
        heard.append(await asyncio.create_task(in_a_child_task()))
        heard.append(await asyncio.to_thread(operations))

    async def tick():
        while True:
            ticks.append(operations())
            await asyncio.sleep(0)

    async def start():
        return asyncio.create_task(tick())

    beside = loop.run(start())
    slot_tools.repeat(InLoop(loop, functools.partial(await_all, call)), 3)
    assert heard == [{slot_tools.CALLS}] * 12
    assert len(ticks) > 3
    assert all(one == set() for one in ticks), "a task that was there before is no work of a call"
    beside.cancel()
    loop.close()
    assert asyncio.events.Handle._run.__module__ == "asyncio.events"
    assert threading.Thread.start.__module__ == "threading"
