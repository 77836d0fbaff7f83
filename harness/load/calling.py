"""One call from plan row to table row, the same for every executor."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from harness.invoke import Invoke
from harness.load.split import Owner, Split
from harness.recorder import Recorder


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What can be called: one stamped call and a list of events for each operation."""

    names: Sequence[str]
    invokes: Sequence[Invoke]
    events: Sequence[Sequence[Any]]


class Caller:
    """Makes calls and records them. `origin_ns` is the clock at time zero of the table.

    `owners` says for every greenlet what it works for; it is the split's own where there is a split.
    """

    def __init__(
        self, work: Work, recorder: Recorder, origin_ns: int, split: Split | None, owners: dict[object, Owner]
    ) -> None:
        self._work = work
        self._fill = recorder.fill
        self._origin_ns = origin_ns
        self._split = split
        self._owners = owners

    def make(  # noqa: PLR0913, PLR0917 - the columns of one row, on the hot path
        self, me: object, row: int, intended_ns: int, dispatched_ns: int,
        lag_target_ns: int, lag_host_ns: int, operation: int, payload: int,
    ) -> int:  # fmt: skip
        """Call the target in greenlet `me`, write the row, and return the clock at completion.

        `intended_ns` and `dispatched_ns` are of the clock, not of the table.
        """
        events = self._work.events[operation]
        event = events[payload % len(events)]
        split = self._split
        owner = self._owners[me] = Owner(operation, is_target=True)
        if split is None:
            outcome, entered_ns, completed_ns = self._work.invokes[operation](event)
            run_ns = wait_busy_ns = -1
        else:
            start_ns, busy_ns = split.mark_ns, split.busy_ns
            outcome, entered_ns, completed_ns = self._work.invokes[operation](event)
            split.end_call(owner, completed_ns)
            # The first stretch began before the call was entered: that part was the driver's.
            before_ns = entered_ns - start_ns
            run_ns = owner.run_ns - before_ns
            wait_busy_ns = max(split.busy_ns - busy_ns - before_ns - run_ns, 0)
            owner.is_target = False
        origin_ns = self._origin_ns
        self._fill(
            row,
            (
                intended_ns - origin_ns, dispatched_ns - origin_ns, entered_ns - origin_ns,
                completed_ns - origin_ns, run_ns, wait_busy_ns, lag_target_ns, lag_host_ns,
            ),
            outcome, operation, payload,
        )  # fmt: skip
        return completed_ns
