"""Compute how much of a start delay comes from the backlog that the target caused: sending a backlog takes time too.

While the target holds the loop, arrivals come due. Afterwards the driver sends them one after the other, and the last
is late by the time that all the others took. Without the hold no backlog would exist, so the target causes this time,
as long as the driver is as fast as it promises. Any further time counts as the driver's own delay.
"""

import collections

PER_ARRIVAL_NS = 50_000
"""Allowed cost of sending and taking up one arrival, in ns: the driver promises 20,000 a second on one core."""
_MOST_CREDIT_NS = 2_000_000
"""Longest single cost that is excused, in ns: pacer and workers take turns of 1 ms, so the cost comes in steps."""


class Backlog:
    """The time that the driver spent on late arrivals, as far as the target caused it."""

    def __init__(self) -> None:
        self._until_ns = -1
        self._credit_ns = 0
        self._spent_ns = 0
        self._last = (0, 0)
        self._ended = 0
        # Pairs of (time, `_spent_ns` by then), the first before any moment that can still be asked for.
        self._steps: collections.deque[tuple[int, int]] = collections.deque()

    def excused_ns(self, due_ns: int, now_ns: int, held_ns: int, target_ns: int, ended: int = 0) -> int:
        """Return the part of a start delay that the target caused beyond the `held_ns` for which it held the loop.

        Call it for every arrival sent, in order. `target_ns` is the total time that the target has held the loop, and
        `ended` the number of calls that have ended: between two of the pacer's turns a queue of calls is taken up. A lag
        that the target did not mainly cause gets 0, and so does a backlog of such lags.
        """
        rest_ns = now_ns - due_ns - held_ns
        earned_ns = PER_ARRIVAL_NS * (1 + ended - self._ended)
        self._ended = ended
        self._spend(due_ns, now_ns, rest_ns, target_ns, earned_ns)
        if due_ns > self._until_ns:
            if held_ns <= rest_ns:
                return 0
            self._until_ns = now_ns
        steps = self._steps
        while len(steps) > 1 and steps[1][0] <= due_ns:
            steps.popleft()
        return min(rest_ns, self._spent_ns - steps[0][1])

    def _spend(self, due_ns: int, now_ns: int, rest_ns: int, target_ns: int, earned_ns: int) -> None:
        last_ns, target_last_ns = self._last
        self._last = now_ns, target_ns
        if due_ns >= last_ns:
            # The arrival came due after the last one was sent: the driver had caught up.
            self._steps.clear()
            self._steps.append((due_ns, self._spent_ns))
            self._credit_ns, step_ns = earned_ns, rest_ns
        else:
            self._credit_ns = min(self._credit_ns + earned_ns, max(_MOST_CREDIT_NS, earned_ns))
            step_ns = now_ns - last_ns - (target_ns - target_last_ns)
        allowed_ns = max(min(step_ns, self._credit_ns), 0)
        self._credit_ns -= allowed_ns
        self._spent_ns += allowed_ns
        self._steps.append((now_ns, self._spent_ns))
