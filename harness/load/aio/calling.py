"""Make one asynchronous call, from plan row to table row. This is the hot path of a run in an event loop."""

from collections.abc import Awaitable, Callable

from harness.load.aio.lease import CALL, Late
from harness.load.blocking import LONG_NS
from harness.load.calling import Calling, make_aside, make_finish, make_raised
from harness.load.owner import Owner
from harness.load.stretches import Stretches
from harness.model import Outcome
from harness.table.calls import HEADER_BYTES, ROW_BYTES
from harness.table.heldby import DRIVER
from harness.table.recorder import FILL, FILL_BASE
from harness.target.renewing import Renewable

Make = Callable[[Owner, int, int, int, int, int], Awaitable[int]]
"""Async function from (owner, row, operation, payload, lag_target_ns, lag_host_ns) to the clock at the end of the call.

It awaits the target's call in the owner's task and fills the claimed row. Afterwards the owner holds as the driver, and
the task's context still has the lease of the call.
"""
_COMPLETED = int(Outcome.COMPLETED)


def make_caller(calling: Calling, late: Late) -> Make:
    """Return the function that makes and records one call. It repeats the code of `make_invoke`, whose frame would cost."""
    work, table, origin_ns = calling.work, calling.recorder.map, calling.origin_ns
    split = calling.split or unwatched(len(work.calls))
    finish = make_finish(calling, split) if calling.split else None
    pack, now_ns, held = FILL.pack_into, work.now_ns, split.held
    calls, all_events, passed = work.calls_marked_by(split), work.events, work.passed
    aside, raised, late_owners = make_aside(calling), make_raised(calling), late.owners
    lend = CALL.set

    async def make(
        owner: Owner, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:
        event, entry = all_events[operation][payload], None
        if type(event) is Renewable:
            event, entry = event.take(), event
        lend(lease := [owner])
        owner.holder, before_ns = operation, owner.run_ns
        split.mark_ns = entered_ns = now_ns()
        try:
            answer = await calls[operation](event)
        except BaseException as error:  # noqa: BLE001 - whatever the target raises is its outcome
            completed_ns = now_ns()
            outcome, answer = raised(error, row, operation, completed_ns), None
        else:
            completed_ns, outcome = now_ns(), _COMPLETED
        lease[0] = late_owners[operation]
        if finish is None:
            run_ns = wait_busy_ns = -1
        elif owner.seen is None:
            # The call has not given the loop away.
            run_ns, wait_busy_ns = completed_ns - entered_ns, 0
            held[operation] += run_ns
            split.mark_ns = completed_ns
            if run_ns > LONG_NS and split.blocking:
                split.blocking.held(operation, entered_ns, completed_ns)
            if completed_ns > split.due_ns:
                split.holds.remember(entered_ns, completed_ns)
        else:
            run_ns, wait_busy_ns = finish(owner, owner, row, entered_ns, before_ns, completed_ns)
        owner.holder, ended_ns = DRIVER, completed_ns
        if entry is not None or type(answer) not in passed:
            outcome, ended_ns = aside(row, operation, outcome, completed_ns, answer, entry, event)
        pack(
            table, FILL_BASE + row * ROW_BYTES, entered_ns - origin_ns, completed_ns - origin_ns,
            run_ns, wait_busy_ns, lag_target_ns, lag_host_ns,
        )  # fmt: skip
        table[HEADER_BYTES + row * ROW_BYTES] = outcome
        return ended_ns

    return make


def unwatched(operations: int) -> Stretches:
    """Return stand-in totals for a run without a split; their marks are ignored."""
    split = Stretches(int)
    split.expect(operations)
    return split
