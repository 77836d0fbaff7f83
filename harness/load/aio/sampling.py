"""Count the tasks of this process, and sample its resources from its event loop."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from harness.load.sampling import Sampler

# Python's own sets of tasks, which know their number: 3.11 has one, later versions have two, and 3.14 has none.
_SETS = [
    known
    for name in ("_all_tasks", "_scheduled_tasks", "_eager_tasks")
    if (known := getattr(asyncio.tasks, name, None)) is not None
]


def count_tasks() -> int:
    """Return the number of tasks that exist, finished ones too where Python has no list of the others."""
    return sum(map(len, _SETS)) if _SETS else len(asyncio.all_tasks())


@contextlib.contextmanager
def sampling(sampler: Sampler) -> Iterator[None]:
    """Take samples in the running loop during the block."""
    loop, timer = asyncio.get_running_loop(), list[Any]()

    def sample() -> None:
        timer[:] = [loop.call_later(sampler.take(), sample)]

    sample()
    try:
        yield
    finally:
        timer[0].cancel()
