"""One call from plan row to table row, the same for every executor. This is the hot path of a run."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from harness.calls import HEADER_BYTES, ROW_BYTES
from harness.invoke import Invoke
from harness.load.split import Owner, Split
from harness.recorder import FILL, FILL_BASE, Recorder

Make = Callable[[object, int, int, int, int, int], int]
"""(greenlet, row, operation, payload, lag_target_ns, lag_host_ns) to completed_ns.

Calls the target in that greenlet, which must have an owner, and fills the claimed row. What goes in counts from time zero
of the table, what comes out is of the clock.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What can be called: one stamped call and a list of events for each operation."""

    names: Sequence[str]
    invokes: Sequence[Invoke]
    events: Sequence[Sequence[Any]]


def make_caller(
    work: Work, recorder: Recorder, origin_ns: int, split: Split | None, owners: dict[object, Owner]
) -> Make:
    """Return what makes and records calls; `origin_ns` is the clock at time zero of the table.

    `owners` says for every greenlet what it works for; it is the split's own where there is a split.
    """
    pack, table, invokes, all_events = FILL.pack_into, recorder.map, work.invokes, work.events

    def make_plain(
        me: object, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:  # fmt: skip
        owners[me].operation = operation
        outcome, entered_ns, completed_ns = invokes[operation](all_events[operation][payload])
        pack(
            table, FILL_BASE + row * ROW_BYTES, entered_ns - origin_ns, completed_ns - origin_ns,
            -1, -1, lag_target_ns, lag_host_ns,
        )  # fmt: skip
        table[HEADER_BYTES + row * ROW_BYTES] = outcome
        return completed_ns

    if split is None:
        return make_plain

    def make_split(
        me: object, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:  # fmt: skip
        event = all_events[operation][payload]
        owner = owners[me]
        owner.operation = operation
        start_ns, busy_ns, before_ns = split.mark_ns, split.busy_ns, owner.run_ns
        outcome, entered_ns, completed_ns = invokes[operation](event)
        if split.mark_ns == start_ns:
            # No switch: nobody but the call ran, and it never waited.
            run_ns, wait_busy_ns = completed_ns - entered_ns, 0
            split.mark_ns = completed_ns
            split.busy_ns = busy_ns + completed_ns - start_ns
            split.target_ns += run_ns
            if completed_ns > split.due_ns:
                split.remember(entered_ns, completed_ns)
        else:
            split.end_call(owner, completed_ns)
            # The first stretch began before the call was entered: that part was the driver's.
            driver_ns = entered_ns - start_ns
            run_ns = owner.run_ns - before_ns - driver_ns
            wait_busy_ns = max(split.busy_ns - busy_ns - driver_ns - run_ns, 0)
        if owner.is_shared:
            owners[me] = Owner(is_target=True)
        pack(
            table, FILL_BASE + row * ROW_BYTES, entered_ns - origin_ns, completed_ns - origin_ns,
            run_ns, wait_busy_ns, lag_target_ns, lag_host_ns,
        )  # fmt: skip
        table[HEADER_BYTES + row * ROW_BYTES] = outcome
        return completed_ns

    return make_split
