"""The loop of an asynchronous target: made late, run in parts, and ended by nobody but the harness."""

import asyncio

import pytest

from harness.errors import RefusedError
from harness.target.eventloop import EventLoop, forget_cancellation


async def nothing():
    return asyncio.get_running_loop()


async def stop():
    asyncio.get_running_loop().stop()
    await asyncio.sleep(60)


def test_all_parts_run_in_one_loop_and_tasks_go_on_only_meanwhile():
    loop, done = EventLoop(), []

    async def work():
        await asyncio.sleep(0)
        done.append(1)

    async def leave():
        done.append(asyncio.create_task(work()))
        return asyncio.get_running_loop()

    first = loop.run(leave())
    assert loop.has_tasks()
    loop.run_for(0.001)
    assert done[1:] == [1]
    assert not loop.has_tasks()
    assert loop.run(nothing()) is first
    loop.close()
    assert first.is_closed()


def test_a_loop_that_nobody_used_is_never_made():
    loop = EventLoop()
    assert not loop.has_tasks()
    loop.close()


def test_a_target_that_stops_the_loop_is_refused():
    loop = EventLoop()
    with pytest.raises(RefusedError, match="stopped the event loop"):
        loop.run(stop())
    loop.close()


def test_a_loop_within_a_loop_is_refused():
    async def inner():
        EventLoop().run(nothing())

    with pytest.raises(RefusedError, match="while the event loop is running"):
        asyncio.run(inner())


def test_a_cancellation_that_a_call_leaves_behind_does_not_reach_the_next():
    async def calls():
        asyncio.current_task().cancel()
        asyncio.current_task().cancel()
        await forget_cancellation()
        await asyncio.sleep(0)
        return asyncio.current_task().cancelling()

    assert asyncio.run(calls()) == 0
