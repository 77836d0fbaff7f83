"""Count the work of each operation: totals that only grow, exact under threads and greenlets.

After `Counters.record_sites` has switched it on, also the responsible function of the core. Switched off, none of that
is on the path of a request: the tallies with call sites are a separate class.
"""

import collections
import threading
from collections.abc import Iterable, Mapping

from targets.asset_core.sites import calling_function

Totals = collections.defaultdict[str, int]


class Tally:
    """The counters of one operation."""

    __slots__ = ("_lock", "_totals")

    def __init__(self, totals: Totals | None = None, lock: "threading.Lock | None" = None) -> None:
        self._totals: Totals = collections.defaultdict(int) if totals is None else totals
        self._lock = lock or threading.Lock()

    def add(self, counter: str, amount: int = 1) -> None:
        """Add to one counter."""
        with self._lock:
            self._totals[counter] += amount

    def add_each(self, counters: Iterable[str]) -> None:
        """Add one to each counter, under one lock."""
        with self._lock:
            totals = self._totals
            for counter in counters:
                totals[counter] += 1

    def turned_into(self, kind: "type[Tally]") -> "Tally":
        """Return a tally of that kind which continues these totals."""
        return kind(self._totals, self._lock)

    def totals(self) -> dict[str, int]:
        """Return a copy of all totals."""
        with self._lock:
            return dict(self._totals)


class SiteTally(Tally):
    """A tally that records the function behind each addition."""

    __slots__ = ("_sites",)

    def __init__(self, totals: Totals | None = None, lock: "threading.Lock | None" = None) -> None:
        super().__init__(totals, lock)
        self._sites: collections.Counter[tuple[str, str]] = collections.Counter()

    def add(self, counter: str, amount: int = 1) -> None:
        """Add to one counter, and record the caller."""
        super().add(counter, amount)
        self._note((counter,), amount)

    def add_each(self, counters: Iterable[str]) -> None:
        """Add one to each counter, and record the caller."""
        counters = tuple(counters)
        super().add_each(counters)
        self._note(counters, 1)

    def sites(self) -> dict[str, dict[str, int]]:
        """Return `{counter: {function: total}}`, without zeros."""
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            for (counter, function), total in self._sites.items():
                if total:
                    found.setdefault(counter, {})[function] = total
        return found

    def _note(self, counters: tuple[str, ...], amount: int) -> None:
        function = calling_function()
        with self._lock:
            for counter in counters:
                self._sites[counter, function] += amount


class Counters:
    """One tally for each operation; those named at the start always appear."""

    def __init__(self, operations: Iterable[str]) -> None:
        self._kind: type[Tally] = Tally
        self._tallies = {operation: Tally() for operation in operations}
        self._lock = threading.Lock()

    def of(self, operation: str) -> Tally:
        """Return the tally of an operation, made on first use."""
        tally = self._tallies.get(operation)
        if tally is None:
            with self._lock:
                tally = self._tallies.setdefault(operation, self._kind())
        return tally

    def totals(self) -> Mapping[str, Mapping[str, int]]:
        """Return `{operation: {counter: total}}`."""
        return {operation: tally.totals() for operation, tally in list(self._tallies.items())}

    def record_sites(self, *, on: bool) -> None:
        """Start to record call sites from zero, in requests that start from now on; or stop and forget them."""
        with self._lock:
            self._kind = SiteTally if on else Tally
            self._tallies = {name: tally.turned_into(self._kind) for name, tally in self._tallies.items()}

    def sites(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return `{operation: {counter: {function: total}}}` since recording was switched on."""
        tallies = list(self._tallies.items())
        return {operation: tally.sites() for operation, tally in tallies if isinstance(tally, SiteTally)}
