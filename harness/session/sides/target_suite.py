"""The micro suite of `target:` and `variant:` sides: one benchmark per operation, `target.call(event)`.

A slot runs a copy of this file. The target comes from the environment; all slots of a block call it with the same events
in the same order, drawn from the seed of the block.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from harness.errors import RefusedError
from harness.model import Outcome
from harness.target.events import prepare_events
from harness.target.importing import append_current_folder
from harness.target.loading import LoadedTarget, closing_target, make, open_target
from harness.target.refusals import Results
from harness.target.renewing import Renewable, events_changed, give_back, taken

EVENTS = int(os.environ.get("HARNESS_SLOT_EVENTS", "64"))
ROUNDS_BEFORE = 2


class _Asked(msgspec.Struct, frozen=True):
    factory: str
    parameters: dict[str, str]


def _make() -> LoadedTarget:
    append_current_folder()
    asked = msgspec.json.decode(os.environ["HARNESS_SLOT_TARGET"], type=_Asked)
    return make(asked.factory, asked.parameters)


TARGET = _make()


@pytest.fixture(scope="session")
def target() -> Iterator[LoadedTarget]:
    """Open the target once for all operations."""
    open_target(TARGET)
    with closing_target(TARGET):
        yield TARGET


@pytest.mark.named_by("operation")
@pytest.mark.parametrize("operation", list(TARGET.operations))
def test_call(target: LoadedTarget, operation: str, benchmark: Any) -> None:
    """Call the target with one event after another; each series of slices begins with the first."""
    if target.journey.has_users:
        raise RefusedError(
            f"Operation '{operation}' is called by users with state or a journey; a benchmark calls it again and again for none",
            remedy="Compare such targets with --suite load or --suite exact",
        )
    if target.is_async:
        benchmark.loop = target.loop
    pool = prepare_events(target, {operation: 1.0}, benchmark.seed, {operation: EVENTS})[0]
    # State that a target keeps for each event exists before timing begins.
    call = benchmark.counted(target.call)
    for entry in pool * ROUNDS_BEFORE:
        _checked(target, operation, _with_event(entry, target, call))
    if any(type(entry) is Renewable and entry.is_used_up for entry in pool):
        answer = _in_single_calls(target, pool, benchmark)
    else:
        answer = _in_a_row(target, pool, benchmark)
    _checked(target, operation, answer)


def _in_a_row(target: LoadedTarget, pool: list[Any], benchmark: Any) -> Any:
    """Time calls in a row, for events that need no work between calls; the events are checked at the end."""
    events = [taken(entry) for entry in pool]
    turn = itertools.cycle(events)

    def rewind() -> None:
        nonlocal turn
        turn = itertools.cycle(events)

    async def call_async() -> Any:
        return await target.call(next(turn))

    benchmark.rewind = rewind
    answer = benchmark(call_async if target.is_async else lambda: target.call(next(turn)))
    for entry, event in zip(pool, events, strict=True):
        give_back(entry, event)
    if events_changed([pool]):
        raise AssertionError(
            "calls changed their events after some time: later ones did different work than the first"
        )
    return answer


def _in_single_calls(target: LoadedTarget, pool: list[Any], benchmark: Any) -> Any:
    """Time calls one by one: each gets a fresh event, made outside of the timed part."""
    turn = itertools.cycle(pool)
    out: list[Any] = []

    def rewind() -> None:
        nonlocal turn
        turn = itertools.cycle(pool)

    def setup() -> tuple[tuple[Any], dict[str, Any]]:
        out[:] = [next(turn)]
        return (taken(out[0]),), {}

    benchmark.rewind = rewind
    return benchmark.pedantic(target.call, setup=setup, teardown=lambda event: give_back(out[0], event))


def _with_event(entry: Any, target: LoadedTarget, call: Callable[[Any], Any]) -> Any:
    event = taken(entry)
    try:
        return target.loop.run(call(event)) if target.is_async else call(event)
    finally:
        give_back(entry, event)


def _checked(target: LoadedTarget, operation: str, answer: Any) -> None:
    """Raise for an unfinished answer (`RefusedError`) or a failure: a failing operation must not count as fast."""
    Results(operation).check(answer)
    judge = target.judge
    if judge is not None and judge(answer, operation) != Outcome.COMPLETED:
        reason = judge.reason(answer, operation)
        raise AssertionError(judge.fault or f"the call failed: {reason or 'answered with a failure'}")
