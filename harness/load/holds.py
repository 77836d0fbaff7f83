"""Remember when the target held the loop after a watched moment, to explain why an arrival is sent late."""

import collections

# Stretches this close together count as one: between them the hub only picked the next greenlet.
_MERGE_NS = 5_000
# In the closed model only this limit forgets stretches; a forgotten stretch counts as the harness's own delay.
_MOST = 4_096


class Holds:
    """The stretches of the target that ended after the watched moment."""

    def __init__(self) -> None:
        self._holds: collections.deque[list[int]] = collections.deque()
        self._held_ns = 0

    def remember(self, start_ns: int, end_ns: int) -> None:
        """Keep a stretch; stretches must come in order."""
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
        """Return the time that the target has held the loop since `from_ns`, which is at or after the watched moment.

        Between two calls of `clear`, `from_ns` must not decrease: stretches that ended before it are forgotten, so
        that each arrival of a long backlog costs the same.
        """
        holds = self._holds
        while holds and holds[0][1] <= from_ns:
            start_ns, end_ns = holds.popleft()
            self._held_ns -= end_ns - start_ns
        return self._held_ns - max(from_ns - holds[0][0], 0) if holds else 0

    def recent_ns(self, from_ns: int) -> int:
        """Return the same for moments in any order, as several users need it; the cost grows with the stretches since then."""
        holds, held_ns = self._holds, 0
        for start_ns, end_ns in reversed(holds):
            if end_ns <= from_ns:
                break
            held_ns += end_ns - max(start_ns, from_ns)
        while len(holds) > _MOST:
            start_ns, end_ns = holds.popleft()
            self._held_ns -= end_ns - start_ns
        return held_ns
