"""Generations of keys: they show a fill that its key was invalidated during the fetch."""

import threading

SLOTS = 4096


class Generations:
    """A fixed table of numbers; keys that share a slot only cause unnecessary discards of fills."""

    def __init__(self, slots: int = SLOTS) -> None:
        self._numbers = [0] * slots
        self._lock = threading.Lock()

    def of(self, key: str) -> int:
        """Return the present generation of a key: read it before the fetch, compare it before the fill."""
        return self._numbers[hash(key) % len(self._numbers)]

    def advance(self, key: str) -> None:
        """Invalidate all started fills of a key."""
        with self._lock:
            self._numbers[hash(key) % len(self._numbers)] += 1

    def advance_all(self) -> None:
        """Invalidate all started fills."""
        with self._lock:
            self._numbers = [number + 1 for number in self._numbers]
