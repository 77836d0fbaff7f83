"""Tell the states of a ledger apart, and put its commits in order."""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from harness.history.entry import Entry, State


class States:
    """The states of a ledger, each by a number: commits with the same measured code are one state."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._numbers: dict[str, int] = {}
        self._parents: list[int] = []
        for entry in entries:
            for state in (entry.base, entry.candidate):
                first, *others = [self._number(name) for name in _names(state)]
                for other in others:
                    self._parents[self._root(other)] = self._root(first)

    def find(self, state: State) -> int | None:
        """Return the number of a state by its commit or its code; None if the ledger does not have it."""
        known = [self._numbers[name] for name in _names(state) if name in self._numbers]
        return self._root(known[0]) if known else None

    def of_commit(self, commit: str) -> int:
        """Return the number of the state of a commit of the ledger."""
        return self._root(self._numbers[f"commit {commit}"])

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._parents)
            self._parents.append(len(self._parents))
        return self._numbers[name]

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = number = self._parents[self._parents[number]]
        return number


def _names(state: State) -> list[str]:
    return [f"commit {state.commit}", *([f"code {state.code}"] if state.code else [])]


def ordered_commits(entries: Sequence[Entry]) -> list[str]:
    """Return all commits of a ledger, the oldest first: by their times, and where those tell nothing, base before candidate."""
    times: dict[str, str] = {}
    for entry in entries:
        for state in (entry.base, entry.candidate):
            times[state.commit] = times.get(state.commit) or state.committed or ""
    return in_order(times, [(entry.base.commit, entry.candidate.commit) for entry in entries])


def in_order(times: Mapping[str, str], before: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names by their times; where those are equal or unknown, (earlier, later) pairs of `before` decide.

    Pairs against the order of known times are of a comparison made backwards, and do not count.
    """
    later: dict[str, set[str]] = {name: set() for name in times}
    waits = dict.fromkeys(times, 0)
    for first, second in before:
        is_backwards = bool(times[first] and times[second]) and times[second] < times[first]
        if first != second and not is_backwards and second not in later[first] and first not in later[second]:
            later[first].add(second)
            waits[second] += 1
    places = {name: place for place, name in enumerate(times)}
    ready = [(times[name], places[name], name) for name in times if not waits[name]]
    heapq.heapify(ready)
    found: dict[str, None] = {}
    while ready:
        name = heapq.heappop(ready)[-1]
        found[name] = None
        for other in later[name]:
            waits[other] -= 1
            if not waits[other]:
                heapq.heappush(ready, (times[other], places[other], other))
    # Measurements in a circle leave some out: of those the times decide alone.
    left = (name for name in times if name not in found)
    return [*found, *sorted(left, key=lambda name: (times[name], places[name]))]
