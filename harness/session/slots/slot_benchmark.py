"""The `benchmark` fixture of a slot: pytest-benchmark's, which serves slices of calls instead of timing by itself.

The first call is timed by itself, before any check and warm-up. An async function is awaited: all calls of a slice are one coroutine of one event loop, and both clocks are read inside it, so
that neither the start nor the stop of the loop is in a figure. A slot's program loads this file by its path: it imports
nothing of the harness.
"""

import functools
import itertools
import os
import resource
import runpy
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

Timed = Callable[[int], tuple[int, int]]
"""Function from a number of calls to (wall_ns, cpu_ns) of all of them."""

_TARGET = os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "target"))  # noqa: PTH118, PTH120 - few imports
_UNFINISHED = runpy.run_path(os.path.join(_TARGET, "unfinished.py"))  # noqa: PTH118
check_benchmarked, finished, is_async = (
    _UNFINISHED[name] for name in ("check_benchmarked", "finished", "is_async")
)
ASYNC_TEST, IN_A_LOOP = _UNFINISHED["ASYNC_TEST"], _UNFINISHED["IN_A_LOOP"]
EventLoop = runpy.run_path(os.path.join(_TARGET, "eventloop.py"))["EventLoop"]  # noqa: PTH118


class Benchmark:
    """The fixture.

    `rewind`, if a benchmark sets it, is called before each series of slices, so that both sides start a series at
    the same inputs. `loop`, if a benchmark sets it, awaits its async functions, and is left open. `seed` is for inputs that
    differ from block to block and are the same in all slots of a block.
    """

    def __init__(
        self, name: str, group: str | None, serve: Callable[["Benchmark", Timed], None], seed: int = 1
    ) -> None:
        self.name = self.fullname = name
        self.group = group
        self.extra_info: dict[str, Any] = {}
        self.enabled, self.disabled, self.stats = True, False, None
        self.rewind: Callable[[], None] = lambda: None
        self.loop = self._own_loop = EventLoop()
        self.used, self._serve, self.seed = 0, serve, seed
        self.most_calls = 0
        """Number of timed calls that it allows in this process; 0 for any number."""
        self.call_s: list[float] = []
        """Time of a call in each slice, in seconds."""
        self.calls = 0
        """Number of calls so far, warm-up included."""
        self.first_call: tuple[int, int] | None = None
        """Wall time of the first call, and CPU time of all threads and ended children in it, in ns."""

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Serve slices of `function(*args, **kwargs)`, then return its result."""
        call = functools.partial(function, *args, **kwargs) if args or kwargs else function
        checked = self.counted(call)
        if is_async(function):
            return self._measure(function, *self._in_loop(checked, functools.partial(await_all, call)))
        return self._measure(function, checked, timed_loop(call))

    def pedantic(  # noqa: PLR0913, PLR0917 - as pytest-benchmark's
        self,
        target: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        setup: Callable[[], Any] | None = None,
        teardown: Callable[..., Any] | None = None,
        rounds: int = 1,
        warmup_rounds: int = 0,
        iterations: int = 1,
    ) -> Any:
        """Serve slices of `target`, each call after its own `setup`.

        One round is one call in each process, after those of the warm-up. Of more rounds the session sets the number.
        """
        check_pedantic(rounds, warmup_rounds, iterations, setup)
        if rounds == 1 and iterations == 1:
            self.most_calls = 1
        if setup is None and teardown is None and not self.most_calls:
            return self(target, *args, **dict(kwargs or {}))
        how = (args, dict(kwargs or {}), setup, teardown)
        checked = self.counted(target)
        run: Timed
        if is_async(target):
            once = functools.partial(await_once, target, *how)
            checked_once = functools.partial(result_of, functools.partial(await_once, checked, *how))
            call, run = self._in_loop(checked_once, functools.partial(sum_of_awaits, once))
        else:
            for hook in (setup, teardown):
                check_benchmarked(hook, may_be_async=False)
            call = lambda: call_once(checked, *how)[0]  # noqa: E731 - beside its counterpart
            run = functools.partial(sum_of_calls, functools.partial(call_once, target, *how))
        if not self.most_calls:
            return self._measure(target, call, run)
        return self._measure_once(target, call, warmup_rounds)

    def _measure_once(self, function: Callable[..., Any], call: Callable[[], Any], warmup_rounds: int) -> Any:
        """Serve one call, in its own time: the first, or the one after the warm-up. Return its result."""
        self._begin(function)
        results: list[Any] = []

        def run(calls: int) -> tuple[int, int]:
            if not calls:
                return 0, 0
            if results or calls != 1:
                raise RuntimeError(
                    "benchmark.pedantic with one round was to make a second call: give it more rounds"
                )
            self.first_call = None
            results.append(finished(call()))
            self.calls -= 1  # the slot counts it
            return self.first_call or (0, 0)

        try:
            for _ in range(warmup_rounds):
                finished(call())
            self.first_call = (0, 0)
            self._serve(self, run)
            return results[0] if results else finished(call())
        finally:
            self._own_loop.close()

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` with its calls counted; the very first call of the benchmark is also timed."""
        if is_async(function):

            async def call_counted(*args: Any, **kwargs: Any) -> Any:
                cpu_ns, start_ns = cpu_of_all_ns(), time.perf_counter_ns()
                result = await function(*args, **kwargs)
                self._count(time.perf_counter_ns() - start_ns, cpu_ns)
                return result

            return call_counted

        def call_counted_plain(*args: Any, **kwargs: Any) -> Any:
            cpu_ns, start_ns = cpu_of_all_ns(), time.perf_counter_ns()
            result = function(*args, **kwargs)
            self._count(time.perf_counter_ns() - start_ns, cpu_ns)
            return result

        return call_counted_plain

    def _count(self, wall_ns: int, cpu_start_ns: int) -> None:
        self.calls += 1
        if self.first_call is None:
            self.first_call = (wall_ns, cpu_of_all_ns() - cpu_start_ns)

    def _in_loop(
        self, call: Callable[[], Coroutine[Any, Any, Any]], batch: "Batch"
    ) -> tuple[Callable[[], Any], "InLoop"]:
        return lambda: self.loop.run(call()), InLoop(self.loop, batch)

    def _measure(self, function: Callable[..., Any], call: Callable[[], Any], run: Timed) -> Any:
        """Serve slices. The result of a call is checked before the first timing, and once more at the end."""
        self._begin(function)
        if isinstance(run, InLoop) and run.loop.is_inside():
            raise RuntimeError(IN_A_LOOP)
        try:
            finished(call())
            self._serve(self, run)
            return finished(call())
        finally:
            self._own_loop.close()

    def _begin(self, function: Callable[..., Any]) -> None:
        self.used += 1
        if self.used > 1:
            raise RuntimeError("one test called benchmark twice: split it into two tests")
        check_benchmarked(function)


def check_pedantic(rounds: Any, warmup_rounds: Any, iterations: Any, setup: Any) -> None:
    """Raise for options that pytest-benchmark refuses, as it does."""
    for name, value, least in (
        ("iterations", iterations, 1), ("rounds", rounds, 1), ("warmup_rounds", warmup_rounds, 0),
    ):  # fmt: skip
        if not isinstance(value, int) or value < least:
            raise ValueError(f"Must have positive int for `{name}`.")
    if iterations > 1 and setup:
        raise ValueError("Can't use more than 1 `iterations` with a `setup` function.")


def arguments_of(
    prepared: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return the arguments of a call: those that its setup returned, or the given ones where that is nothing."""
    if not prepared:
        return args, kwargs
    if args or kwargs:
        raise TypeError("Can't use `args` or `kwargs` if `setup` returns the arguments.")
    args, kwargs = prepared
    return args, kwargs


Batch = Callable[[int], Coroutine[Any, Any, tuple[int, int]]]
"""Async function from a number of calls to (wall_ns, cpu_ns) of all of them."""


class InLoop:
    """The timed calls of an async function; `batch` makes them inside of `loop`."""

    def __init__(self, loop: Any, batch: Batch) -> None:
        self.loop = loop
        self.batch = batch

    def __call__(self, calls: int) -> tuple[int, int]:
        """Return (wall_ns, cpu_ns) of so many calls."""
        times: tuple[int, int] = self.loop.run(self.batch(calls))
        return times


def cpu_of_all_ns() -> int:
    """Return the CPU time of all threads of this process and of its ended children, in ns."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + round((ended.ru_utime + ended.ru_stime) * 1e9)


def timed_loop(call: Callable[[], Any]) -> Timed:
    """Return a function that times a number of calls in a row."""

    def run(calls: int) -> tuple[int, int]:
        again = itertools.repeat(None, calls)
        cpu_ns, start_ns = time.thread_time_ns(), time.perf_counter_ns()
        for _ in again:
            call()
        end_ns = time.perf_counter_ns()
        return end_ns - start_ns, time.thread_time_ns() - cpu_ns

    return run


async def await_all(call: Callable[[], Awaitable[Any]], calls: int) -> tuple[int, int]:
    """Time a number of awaited calls in a row."""
    again = itertools.repeat(None, calls)
    cpu_ns, start_ns = time.thread_time_ns(), time.perf_counter_ns()
    for _ in again:
        await call()
    end_ns = time.perf_counter_ns()
    return end_ns - start_ns, time.thread_time_ns() - cpu_ns


def call_once(
    target: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    setup: Callable[[], Any] | None,
    teardown: Callable[..., Any] | None,
) -> tuple[Any, int, int]:
    """Return (result, wall_ns, cpu_ns) of one call; the times exclude setup and teardown."""
    args, kwargs = arguments_of(setup() if setup else None, args, kwargs)
    cpu_ns, start_ns = time.thread_time_ns(), time.perf_counter_ns()
    result = target(*args, **kwargs)
    wall_ns, cpu_ns = time.perf_counter_ns() - start_ns, time.thread_time_ns() - cpu_ns
    if teardown:
        teardown(*args, **kwargs)
    return result, wall_ns, cpu_ns


async def await_once(
    target: Callable[..., Awaitable[Any]],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    setup: Callable[[], Any] | None,
    teardown: Callable[..., Any] | None,
) -> tuple[Any, int, int]:
    """Return (result, wall_ns, cpu_ns) of one awaited call; setup and teardown may be async too."""
    args, kwargs = arguments_of(await _value(setup()) if setup else None, args, kwargs)
    cpu_ns, start_ns = time.thread_time_ns(), time.perf_counter_ns()
    result = await target(*args, **kwargs)
    wall_ns, cpu_ns = time.perf_counter_ns() - start_ns, time.thread_time_ns() - cpu_ns
    if teardown:
        await _value(teardown(*args, **kwargs))
    return result, wall_ns, cpu_ns


async def _value(returned: Any) -> Any:
    return await returned if hasattr(type(returned), "__await__") else returned


async def result_of(once: Callable[[], Awaitable[tuple[Any, int, int]]]) -> Any:
    """Return the result of a call, without its times."""
    return (await once())[0]


def sum_of_calls(once: Callable[[], tuple[Any, int, int]], calls: int) -> tuple[int, int]:
    """Return (wall_ns, cpu_ns) over calls that are timed individually."""
    times = [once()[1:] for _ in range(calls)]
    return sum(wall_ns for wall_ns, _ in times), sum(cpu_ns for _, cpu_ns in times)


async def sum_of_awaits(once: Callable[[], Awaitable[tuple[Any, int, int]]], calls: int) -> tuple[int, int]:
    """Return (wall_ns, cpu_ns) over awaited calls that are timed individually."""
    times = [(await once())[1:] for _ in range(calls)]
    return sum(wall_ns for wall_ns, _ in times), sum(cpu_ns for _, cpu_ns in times)
