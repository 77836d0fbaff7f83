"""How much of a lag is the backlog that the target left: letting it go takes time too, but only so much.

While the target holds the loop, arrivals come due. Afterwards the driver lets them go one after the other, and the last
of them is late by what all the others took, which nobody would have needed without the hold. So that time is the
target's, as long as the driver is as fast as it promises to be. What it needs beyond that is its own.
"""

import collections

PER_ARRIVAL_NS = 50_000
"""What letting go and taking up one arrival may cost: the driver promises 20,000 a second on one core."""
_MOST_CREDIT_NS = 2_000_000
"""Pacer and workers take turns of 1 ms, so the cost comes in lumps; a longer one is no turn."""


class Backlog:
    """The time that the driver spent on arrivals that were late, as far as it may be the target's doing."""

    def __init__(self) -> None:
        self._until_ns = -1
        self._credit_ns = 0
        self._spent_ns = 0
        self._last = (0, 0)
        self._ended = 0
        # Pairs of (when, `_spent_ns` by then), the first before any moment that is still to be asked for.
        self._steps: collections.deque[tuple[int, int]] = collections.deque()

    def excused_ns(self, due_ns: int, now_ns: int, held_ns: int, target_ns: int, ended: int = 0) -> int:
        """Return how much of a lag, beyond the `held_ns` for which the target held the loop in it, is its doing too.

        Must be asked for every arrival that is let go, in order; `target_ns` is how long the target has held the loop
        in all, and `ended` how many calls have: between two of the pacer's turns a queue of calls is taken up. Nothing is excused in a lag that is not for the most part the target's, nor in a backlog of such.
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
            # It came due after the last was let go: the driver had caught up.
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
