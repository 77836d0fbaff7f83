"""From a target and a mix to what can be called: stamped calls and prepared events, the same for every driver."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from harness.invoke import Invoke, make_invoke
from harness.marker import marked
from harness.plans.plan import MAX_PAYLOADS
from harness.target import LoadedTarget, told

# A long plan is read a stretch at a time.
_STRETCH_ROWS = 65_536


def prepare_events(
    target: LoadedTarget, mix: Mapping[str, float], seed: int, needed: Mapping[str, int]
) -> list[list[Any]]:
    """Make the events of each operation before the run, so that no call waits for its event.

    Each operation has its own generator, seeded by `seed` and its name; `needed` says how many distinct events
    it can use, of which at most `MAX_PAYLOADS` are made. Raises `TargetError` if the target's `make_event` raises.
    """
    events = []
    for name in mix:
        rng = random.Random(f"{seed}:{name}")
        count = min(max(needed.get(name, MAX_PAYLOADS), 1), MAX_PAYLOADS)
        with told(f"The target could not make an event of operation '{name}'", "Correct its make_event"):
            events.append([target.make_event(name, rng) for _ in range(count)])
    return events


def needed_payloads(mix: Mapping[str, float], operation: np.ndarray, payload: np.ndarray) -> dict[str, int]:
    """Return how many distinct events each operation of a plan uses."""
    needed: dict[str, int] = {}
    for start in range(0, len(operation), _STRETCH_ROWS):
        part, which = payload[start : start + _STRETCH_ROWS], operation[start : start + _STRETCH_ROWS]
        for index, name in enumerate(mix):
            if (mine := which == index).any():
                needed[name] = max(needed.get(name, 0), int(part[mine].max()) + 1)
    return needed


def stamped_calls(
    target: LoadedTarget,
    mix: Mapping[str, float],
    now_ns: Callable[[], int],
    timeouts: tuple[type[BaseException], ...] = (TimeoutError,),
) -> list[Invoke]:
    """Return the stamped call of each operation, under its marker."""
    return [make_invoke(marked(target.call, name), target.judge, now_ns, timeouts) for name in mix]
