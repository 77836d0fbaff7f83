"""Count the greenlets of this process, and sample its resources from one of them.

Only the measured child process imports this module.
"""

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from harness.load.sampling import Sampler


class GreenletCount:
    """The number of greenlets that were started since this object was made and still exist; 0.4 us for each."""

    def __init__(self) -> None:
        self._alive: set[weakref.ref[Any]] = set()
        gevent.Greenlet.add_spawn_callback(self._on_spawn)

    def _on_spawn(self, started: Any) -> None:
        self._alive.add(weakref.ref(started, self._alive.discard))

    def __call__(self) -> int:
        """Return the number."""
        return len(self._alive)

    def close(self) -> None:
        """Stop counting."""
        gevent.Greenlet.remove_spawn_callback(self._on_spawn)


@contextlib.contextmanager
def sampling(sampler: Sampler, own: Callable[[Any], None]) -> Iterator[None]:
    """Take samples during the block, in a greenlet of its own; `own` gets the greenlet before it runs."""

    def sample() -> None:
        while True:
            gevent.sleep(sampler.take())

    greenlet = gevent.spawn(sample)
    own(greenlet)
    try:
        yield
    finally:
        # The caller may not be able to wait.
        greenlet.kill(block=False)
