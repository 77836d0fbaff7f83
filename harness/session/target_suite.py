"""The micro suite of `target:` and `variant:` subjects: one benchmark per operation, `target.call(event)`.

A slot runs a copy of this file. The target comes from the environment; both sides call it with the same events, drawn
from a fixed seed, in the same order.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from harness.events import prepare_events
from harness.refusals import Results
from harness.target import LoadedTarget, append_current_folder, closing_target, make, open_target

SEED = 1
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
    events = prepare_events(target, {operation: 1.0}, SEED, {operation: EVENTS})[0]
    turn = itertools.cycle(events)

    def rewind() -> None:
        nonlocal turn
        turn = itertools.cycle(events)

    # What a target keeps of each event is there before the clock runs.
    results = Results(operation)
    for event in events * ROUNDS_BEFORE:
        results.check(target.call(event))
    benchmark.rewind = rewind
    benchmark(lambda: target.call(next(turn)))
