"""Remember when the target held the loop after a watched moment, to explain why an arrival is sent late."""

import bisect
import collections
import operator

# Stretches this close together count as one: between them the hub only picked the next greenlet.
_MERGE_NS = 5_000
# With more, the older half is kept in pairs: a delay of seconds needs no microseconds.
_MOST = 4_096
_END = operator.itemgetter(1)


class Holds:
    """The stretches of the target that ended after the watched moment."""

    def __init__(self) -> None:
        # (start, end, time held before it by all stretches) of each stretch, or of some old ones together.
        self._holds: collections.deque[list[int]] = collections.deque()
        self._held_ns = 0

    def remember(self, start_ns: int, end_ns: int) -> None:
        """Keep a stretch; stretches must come in order."""
        holds = self._holds
        if holds and start_ns - holds[-1][1] < _MERGE_NS:
            start_ns, holds[-1][1] = holds[-1][1], end_ns
        else:
            holds.append([start_ns, end_ns, self._held_ns])
        self._held_ns += end_ns - start_ns

    def clear(self) -> None:
        """Forget everything: a new moment is watched."""
        self._holds.clear()

    def since_ns(self, from_ns: int) -> int:
        """Return the time that the target has held the loop since `from_ns`, which is at or after the watched moment.

        Between two calls of `clear`, `from_ns` must not decrease: stretches that ended before it are forgotten, so
        that each arrival of a long backlog costs the same.
        """
        holds = self._holds
        while holds and holds[0][1] <= from_ns:
            holds.popleft()
        return self._from(0, from_ns)

    def recent_ns(self, from_ns: int) -> int:
        """Return the same for moments in any order, as several users need it."""
        while len(self._holds) > _MOST:
            self._thin()
        return self._from(bisect.bisect_right(self._holds, from_ns, key=_END), from_ns)

    def _from(self, place: int, from_ns: int) -> int:
        """Return the time held since a moment, which the stretch at `place` is the first to end after."""
        holds = self._holds
        if place >= len(holds):
            return 0
        start_ns, end_ns, before_ns = holds[place]
        rest_ns = self._held_ns - before_ns
        if from_ns <= start_ns:
            return rest_ns
        after_ns = holds[place + 1][2] if place + 1 < len(holds) else self._held_ns
        # A stretch was held throughout; of old ones together, evenly is the best guess.
        return rest_ns - (after_ns - before_ns) * (from_ns - start_ns) // (end_ns - start_ns)

    def _thin(self) -> None:
        holds = self._holds
        older = [holds.popleft() for _ in range(_MOST // 2)]
        pairs = zip(older[::2], older[1::2], strict=True)
        holds.extendleft(reversed([[one[0], other[1], one[2]] for one, other in pairs]))
