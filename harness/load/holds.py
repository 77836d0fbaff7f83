"""When the target held the loop, beyond a moment that is watched: what an arrival that comes late is due to."""

import collections

# Stretches this close together are one: between them the hub only picked the next greenlet.
_MERGE_NS = 5_000
# In the closed model nothing is ever let go of but by this; what is forgotten speaks against the harness.
_MOST = 4_096


class Holds:
    """The stretches of the target that ended after the watched moment."""

    def __init__(self) -> None:
        self._holds: collections.deque[list[int]] = collections.deque()
        self._held_ns = 0

    def remember(self, start_ns: int, end_ns: int) -> None:
        """Keep a stretch; they come in order."""
        holds = self._holds
        if holds and start_ns - holds[-1][1] < _MERGE_NS:
            start_ns, holds[-1][1] = holds[-1][1], end_ns
        else:
            holds.append([start_ns, end_ns])
        self._held_ns += end_ns - start_ns

    def clear(self) -> None:
        """Forget everything: a new moment is watched."""
        self._holds.clear()
        self._held_ns = 0

    def since_ns(self, from_ns: int) -> int:
        """Return how long the target has held the loop since `from_ns`, at or after the watched moment.

        Between two calls of `clear` it is asked for later and later times: what ended before one of them is
        forgotten, so that a long backlog costs each of its arrivals the same.
        """
        holds = self._holds
        while holds and holds[0][1] <= from_ns:
            start_ns, end_ns = holds.popleft()
            self._held_ns -= end_ns - start_ns
        return self._held_ns - max(from_ns - holds[0][0], 0) if holds else 0

    def recent_ns(self, from_ns: int) -> int:
        """Return the same for moments in any order, as several users ask; costs as much as was held since then."""
        holds, held_ns = self._holds, 0
        for start_ns, end_ns in reversed(holds):
            if end_ns <= from_ns:
                break
            held_ns += end_ns - max(start_ns, from_ns)
        while len(holds) > _MOST:
            start_ns, end_ns = holds.popleft()
            self._held_ns -= end_ns - start_ns
        return held_ns
