"""Measure the cost of recording asynchronous calls before the run, side by side with an empty loop of them."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from harness.clock import SystemClock
from harness.load.aio.back_to_back import make_slice
from harness.load.aio.lease import Late, start_task
from harness.load.calling import Calling, Work
from harness.load.instrument import Instrument
from harness.load.owner import Owner
from harness.load.rounds import difference_ns
from harness.load.stretches import Stretches
from harness.load.waits import Waits
from harness.model import Engine
from harness.run.facts import LoadFacts
from harness.table.heldby import DRIVER
from harness.table.recorder import Recorder
from harness.target.eventloop import EventLoop

_CALLS = 2_000
_SLICE_NS = 2_000_000
_STEPS = 1_000


def measured_overhead(instrument: Instrument, late: Late, scratch: Path) -> LoadFacts:
    """Return the facts before the run, measured with its split; the file `scratch` is written and removed."""
    split, waits, loop = instrument.split, instrument.make_waits(), instrument.target.loop
    return LoadFacts(
        origin_ns=0,
        origin_unix_s=0.0,
        engine=Engine.ASYNCIO,
        split=split is not None,
        recorder_ns_per_call=recorder_ns_per_call(scratch, split, late, loop),
        split_ns_per_switch=split_ns_per_step(split, loop) if split else 0.0,
        waits_ns_per_switch=waits_ns_per_step(split, waits, loop) if split and waits else 0.0,
    )


def recorder_ns_per_call(scratch: Path, split: Stretches | None, late: Late, loop: EventLoop) -> float:
    """Return the cost of recording one call, in ns: recorded no-op calls less an empty loop of them."""
    try:
        with Recorder(scratch, 0) as recorder:
            work = Work(["call"], [_nothing], [[None]], SystemClock.now_ns)
            calling = Calling(work, recorder, 0, split, {})
            record = make_slice(calling, [(0, 0)] * _CALLS, late)

            async def recorded(owner: Owner) -> float:
                before, start_ns = recorder.tail[0], SystemClock.now_ns()
                end_ns = await record(owner, start_ns, start_ns, 0, 0, start_ns + _SLICE_NS)
                return (end_ns - start_ns) / (recorder.tail[0] - before)

            return difference_ns(lambda: _in_task(loop, recorded), lambda: _in_task(loop, _bare))
    finally:
        scratch.unlink(missing_ok=True)


def split_ns_per_step(split: Stretches, loop: EventLoop) -> float:
    """Return the ns that the hook adds to one turn of a task in the loop."""

    def traced() -> float:
        split.start()
        elapsed_ns = _in_task(loop, _yield_often)
        split.stop()
        return elapsed_ns

    return difference_ns(traced, lambda: _in_task(loop, _yield_often))


def waits_ns_per_step(split: Stretches, waits: Waits, loop: EventLoop) -> float:
    """Return the ns that reading stacks adds to the same turn, of a call; `waits` cannot be used afterwards."""

    def yielded(seen_by: Waits | None) -> float:
        split.waits = seen_by
        split.start()
        try:
            return _in_task(loop, _yield_often_in_call)
        finally:
            split.stop()
            split.waits = None

    return difference_ns(lambda: yielded(waits), lambda: yielded(None))


def _in_task(loop: EventLoop, function: Callable[[Owner], Coroutine[Any, Any, float]]) -> float:
    async def run() -> float:
        found: list[float] = []

        async def keep(owner: Owner) -> None:
            found.append(await function(owner))

        await start_task(asyncio.get_running_loop(), contextvars.copy_context(), keep)
        return found[0]

    result: float = loop.run(run())
    return result


async def _nothing(_event: object) -> None:
    pass


async def _bare(_owner: Owner) -> float:
    start_ns = SystemClock.now_ns()
    for _ in range(_CALLS):
        await _nothing(None)
    return (SystemClock.now_ns() - start_ns) / _CALLS


async def _yield_often(_owner: Owner) -> float:
    start_ns = SystemClock.now_ns()
    for _ in range(_STEPS):
        await asyncio.sleep(0)
    return (SystemClock.now_ns() - start_ns) / _STEPS


async def _yield_often_in_call(owner: Owner) -> float:
    owner.holder = 0
    try:
        return await _yield_often(owner)
    finally:
        owner.holder, owner.seen = DRIVER, None
