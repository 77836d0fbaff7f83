"""Divide a start delay by who caused it: the target, the host, or, for the rest, the load generator itself."""

from harness.load.backlog import Backlog
from harness.load.run_delay import UNEXPLAINED_NS, RunDelay
from harness.load.stretches import Stretches


class Lateness:
    """The causes of the start delays of an open model's arrivals.

    Without `in_order` others ask for the lags of further calls, at moments in any order.
    """

    def __init__(self, split: Stretches | None, delay: RunDelay, *, in_order: bool = True) -> None:
        self._split = split
        self._delay = delay
        self._in_order = in_order
        self._backlog = Backlog()

    def owners(self, due_ns: int, now_ns: int, ended: int) -> tuple[int, int]:
        """Return the parts of a start delay that the target and the host caused, in ns, for arrivals in their order.

        `ended` is the number of calls that have ended.
        """
        split = self._split
        if not split or split.is_remote:
            unexplained_ns, held_ns = now_ns - due_ns, 0
        else:
            holds = split.holds
            held_ns = holds.since_ns(due_ns) if self._in_order else holds.recent_ns(due_ns)
            held_ns = min(held_ns, now_ns - due_ns)
            held_ns += self._backlog.excused_ns(due_ns, now_ns, held_ns, split.target_ns, ended)
            unexplained_ns = now_ns - due_ns - held_ns
        return held_ns, _host_ns(split, self._delay, due_ns, now_ns, unexplained_ns)


def lag_owners(
    split: Stretches | None, delay: RunDelay, intended_ns: int, now_ns: int, target_ns: int | None
) -> tuple[int, int]:
    """Return the parts of a closed user's start delay that the target and the host caused, in ns.

    `target_ns` is the time that the target had held the loop when the call was intended. It is None if the user has
    thought since: then the split must watch from the intended time, because earlier holds delayed nobody.
    """
    lag_ns = now_ns - intended_ns
    held_ns = 0
    if split and not split.is_remote:
        held_ns = split.holds.recent_ns(intended_ns) if target_ns is None else split.target_ns - target_ns
        held_ns = min(held_ns, lag_ns)
    return held_ns, _host_ns(split, delay, intended_ns, now_ns, lag_ns - held_ns)


def _host_ns(split: Stretches | None, delay: RunDelay, from_ns: int, now_ns: int, unexplained_ns: int) -> int:
    if unexplained_ns <= UNEXPLAINED_NS:
        return 0
    if not split:
        # A target that sleeps while it holds the loop would look like a thread that was kept from running.
        return min(delay.since_ns(from_ns, now_ns), unexplained_ns)
    return delay.kept_ns(from_ns, now_ns, unexplained_ns)
