"""Generations of keys: how a fill learns that its key was invalidated while it fetched."""

import threading

SLOTS = 4096


class Generations:
    """A fixed table of numbers; keys that share a slot only make some fills be discarded in vain."""

    def __init__(self, slots: int = SLOTS) -> None:
        self._numbers = [0] * slots
        self._lock = threading.Lock()

    def of(self, key: str) -> int:
        """Return the present generation of a key: read it before fetching, compare it before filling."""
        return self._numbers[hash(key) % len(self._numbers)]

    def advance(self, key: str) -> None:
        """Make all fills of a key that have begun worthless."""
        with self._lock:
            self._numbers[hash(key) % len(self._numbers)] += 1

    def advance_all(self) -> None:
        """Make all fills that have begun worthless."""
        with self._lock:
            self._numbers = [number + 1 for number in self._numbers]
