"""asyncio under the hook of the split behaves as it does without it."""

import asyncio
import contextlib
import contextvars
import sys

import pytest

from harness.clock import SystemClock
from harness.load.aio.lease import Late, start_task
from harness.load.aio.selector import PacedSelector
from harness.load.aio.steps import Marking, Steps
from harness.profiles.stacks.marker import marked_async, marker_name


class Watched:
    """A loop under a hook, in which a function runs as a call does."""

    def __init__(self, *, splits=True):
        late = Late(["call"])
        late.expect()
        self.split = Steps(SystemClock.now_ns, late) if splits else Marking(late)
        if splits:
            self.split.expect(1)

    def run(self, function):
        self.split.loop = loop = asyncio.SelectorEventLoop(PacedSelector(SystemClock.now_ns))
        self.split.start()
        try:
            with contextlib.closing(loop):
                return loop.run_until_complete(self._started(function))
        finally:
            self.split.stop()

    async def _started(self, function):
        found = []

        async def call(owner):
            owner.holder = 0
            found.append(await function())

        await start_task(asyncio.get_running_loop(), contextvars.copy_context(), call)
        return found[0]


async def tasks_and_coroutines():
    async def child():
        me = asyncio.current_task()
        await asyncio.sleep(0)
        return me.get_coro().cr_code.co_name, type(me) is asyncio.Task, me is asyncio.current_task()

    task = asyncio.create_task(child(), name="of mine")
    coroutine = task.get_coro()
    kind = type(coroutine).__name__, coroutine.cr_frame is not None, task.get_name()
    return kind, await task, len(asyncio.all_tasks())


async def cancellation():
    told = []

    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            told.append((str(error), asyncio.current_task().cancelling()))
            raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        told.append((str(error), task.cancelled(), asyncio.current_task().cancelling()))
    return told


async def timeouts():
    told = []
    for how in (asyncio.timeout(0.001), asyncio.timeout(10)):
        try:
            async with how:
                await asyncio.sleep(0.005)
        except TimeoutError as error:
            told.append((type(error.__cause__).__name__, how.expired()))
        else:
            told.append(how.expired())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.sleep(1), 0.001)
        told.append("never")
    return told


async def groups():
    async def fails(error):
        await asyncio.sleep(0)
        raise error

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails(ValueError("a")))
            group.create_task(fails(KeyError("b")))
            await asyncio.sleep(1)
    except* ValueError as found:
        told = [repr(one) for one in found.exceptions]
    except* KeyError as found:
        told += [repr(one) for one in found.exceptions]
    gathered = await asyncio.gather(fails(ValueError("c")), asyncio.sleep(0, "d"), return_exceptions=True)
    return told, [repr(one) for one in gathered]


async def shields_and_contexts():
    inner = asyncio.create_task(asyncio.sleep(0.05, "kept"))
    outer = asyncio.create_task(asyncio.wait_for(asyncio.shield(inner), 0.001))
    with contextlib.suppress(TimeoutError):
        await outer
    variable = contextvars.ContextVar("mine", default=0)
    variable.set(1)

    async def child():
        variable.set(2)
        return variable.get()

    return inner.done(), await inner, await asyncio.create_task(child()), variable.get()


async def exceptions():
    try:
        try:
            raise ValueError("first")
        finally:
            await asyncio.create_task(asyncio.sleep(0))
            raise KeyError("second")
    except KeyError as error:
        return repr(error.__context__), error.__cause__


async def callbacks():
    loop, told = asyncio.get_running_loop(), []
    loop.set_exception_handler(
        lambda _loop, context: told.append((context["message"][:21], repr(context["exception"])))
    )
    loop.call_soon(told.append, "soon")
    loop.call_soon(lambda: 1 / 0)
    future = loop.create_future()
    future.add_done_callback(lambda one: told.append(one.result()))
    loop.call_later(0.001, future.set_result, "later")
    await future
    await asyncio.sleep(0)
    return told, await asyncio.to_thread(lambda: "thread"), await loop.run_in_executor(None, str, 1)


async def eager_tasks():
    if not hasattr(asyncio, "eager_task_factory"):
        return None
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)

    async def child(told):
        told.append(asyncio.current_task() is not outer)
        await asyncio.sleep(0)
        return len(told)

    told, outer = [], asyncio.current_task()
    task = asyncio.create_task(child(told), name="eager")
    return told[:], await task, asyncio.current_task() is not task


@pytest.mark.parametrize(
    "observe",
    [
        tasks_and_coroutines,
        cancellation,
        timeouts,
        groups,
        shields_and_contexts,
        exceptions,
        callbacks,
        eager_tasks,
    ],
)
def test_asyncio_behaves_as_it_does_without_the_hook(observe):
    async def alone():
        return await asyncio.create_task(observe())

    watched = Watched()
    assert watched.run(observe) == asyncio.run(alone())
    assert not watched.split.was_taken


def test_a_hook_that_another_tool_replaces_is_seen_and_left_where_it_is():
    watched = Watched()
    before = asyncio.Handle._run

    async def replace():
        asyncio.Handle._run = theirs
        return True

    def theirs(handle):
        before(handle)

    try:
        assert watched.run(replace)
        assert watched.split.was_taken
        assert asyncio.Handle._run is theirs
    finally:
        asyncio.Handle._run = before


def is_marked():
    frame, found = sys._getframe(), 0
    while frame is not None:
        found += frame.f_code.co_name == marker_name("call")
        frame = frame.f_back
    return found


async def steps_of_all_kinds():
    async def child(told):
        told.append(is_marked())
        await asyncio.sleep(0)
        told.append(is_marked())

    loop, told = asyncio.get_running_loop(), []
    await asyncio.gather(child(told), child(told))
    loop.call_soon(lambda: told.append(is_marked()))
    future = loop.create_future()
    future.add_done_callback(lambda _: told.append(is_marked()))
    loop.call_later(0.001, future.set_result, None)
    await future
    await asyncio.sleep(0)
    return told


@pytest.mark.parametrize("splits", [True, False])
def test_every_step_and_callback_of_a_call_runs_under_its_marker_once(splits):
    assert Watched(splits=splits).run(steps_of_all_kinds) == [1] * 6


@pytest.mark.parametrize("splits", [True, False])
def test_a_marked_coroutine_has_its_marker_at_each_step_and_no_second_one(splits):
    async def call(_event):
        told = [is_marked()]
        await asyncio.sleep(0)
        return [*told, is_marked()]

    assert Watched(splits=splits).run(lambda: marked_async(call, "call")(None)) == [1, 1]
