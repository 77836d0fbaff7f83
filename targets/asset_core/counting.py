"""What each operation did: totals that only grow, exact under threads and greenlets."""

import collections
import threading
from collections.abc import Iterable, Mapping


class Tally:
    """The counters of one operation."""

    __slots__ = ("_lock", "_totals")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: collections.defaultdict[str, int] = collections.defaultdict(int)

    def add(self, counter: str, amount: int = 1) -> None:
        """Add to one counter."""
        with self._lock:
            self._totals[counter] += amount

    def add_call(self, store: str, results: str, count: int) -> None:
        """Add one call of a store and the `count` things that it returned."""
        with self._lock:
            self._totals[store + ".calls"] += 1
            self._totals[results] += count

    def add_each(self, counters: Iterable[str]) -> None:
        """Add one to each counter, under one lock."""
        with self._lock:
            totals = self._totals
            for counter in counters:
                totals[counter] += 1

    def totals(self) -> dict[str, int]:
        """Return a copy of all totals."""
        with self._lock:
            return dict(self._totals)


class Counters:
    """One tally for each operation; those named at the start always appear."""

    def __init__(self, operations: Iterable[str]) -> None:
        self._tallies = {operation: Tally() for operation in operations}
        self._lock = threading.Lock()

    def of(self, operation: str) -> Tally:
        """Return the tally of an operation, made on first use."""
        tally = self._tallies.get(operation)
        if tally is None:
            with self._lock:
                tally = self._tallies.setdefault(operation, Tally())
        return tally

    def totals(self) -> Mapping[str, Mapping[str, int]]:
        """Return `{operation: {counter: total}}`."""
        return {operation: tally.totals() for operation, tally in list(self._tallies.items())}
