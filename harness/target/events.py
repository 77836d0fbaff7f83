"""Prepare the events of a run from a target and a mix, the same for every driver."""

import contextlib
import functools
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.plans.plan import MAX_PAYLOADS
from harness.target.importing import told
from harness.target.loading import LoadedTarget
from harness.target.renewing import Look, Nature, Renewable, renewable

POOL_BYTES = 64_000_000
_LEAST_EVENTS = 2
_MOST_OPEN = 64
# A long plan is read in pieces.
_STRETCH_ROWS = 65_536


def prepare_events(
    target: LoadedTarget, mix: Mapping[str, float], seed: int, needed: Mapping[str, int]
) -> list[list[Any]]:
    """Make the events of each operation before the run, so that no call waits for its event.

    Each operation has its own random generator, seeded by `seed` and its name; `needed` is the number of distinct events
    that it can use. At most `MAX_PAYLOADS` are made for each, and about `POOL_BYTES` for all operations together; if that
    is fewer, the list repeats them. An entry is an argument of `harness.target.renewing.taken`. Raises `TargetError` if
    the target's `make_event` raises.
    """
    most_bytes = POOL_BYTES / len(mix)
    return [
        _pool(target, name, seed, min(max(needed.get(name, MAX_PAYLOADS), 1), MAX_PAYLOADS), most_bytes)
        for name in mix
    ]


def _pool(target: LoadedTarget, name: str, seed: int, count: int, most_bytes: float) -> list[Any]:
    rng, look = random.Random(f"{seed}:{name}"), Look()
    pool: list[Any] = []
    most = count
    while len(pool) < most and (look.size_bytes < most_bytes or len(pool) < _LEAST_EVENTS):
        event = _made(target, name, rng)
        nature = look.at(event)
        if nature is not Nature.UNKNOWN:
            pool.append(renewable(event, nature))
            continue
        # A fresh generator with the same seed makes an equal event each time.
        make = functools.partial(_made_alone, target, name, f"{seed}:{name}:{len(pool)}")
        pool.append(Renewable(make(), make))
        if _holds_something(event):
            most = min(count, _MOST_OPEN)
            with contextlib.suppress(Exception):
                event.close()
    if len(pool) < count:
        # Rounded, so that a few bytes more on one side give the same number of events.
        del pool[1 << len(pool).bit_length() - 1 :]
    return [pool[number % len(pool)] for number in range(count)]


def _made_alone(target: LoadedTarget, name: str, seed: str) -> Any:
    return _made(target, name, random.Random(seed))


def _made(target: LoadedTarget, name: str, rng: random.Random) -> Any:
    with told(f"The target could not make an event of operation '{name}'", "Correct its make_event"):
        return target.make_event(name, rng)


def _holds_something(event: Any) -> bool:
    """Return True if an event may hold a file, a connection or a frame: a process cannot hold thousands of those."""
    return callable(getattr(event, "close", None))


def needed_payloads(mix: Mapping[str, float], operation: np.ndarray, payload: np.ndarray) -> dict[str, int]:
    """Return how many distinct events each operation of a plan uses."""
    needed: dict[str, int] = {}
    for start in range(0, len(operation), _STRETCH_ROWS):
        part, which = payload[start : start + _STRETCH_ROWS], operation[start : start + _STRETCH_ROWS]
        for index, name in enumerate(mix):
            if (mine := which == index).any():
                needed[name] = max(needed.get(name, 0), int(part[mine].max()) + 1)
    return needed
