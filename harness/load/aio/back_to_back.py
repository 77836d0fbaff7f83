"""Make asynchronous calls one after the other without a pause, as a user of the closed model does: the hottest loop.

The code of `harness.load.back_to_back` with a lease for each call. One write fills the row of a call and claims that of
the next, which are neighbours in the table unless another task wrote in between.
"""

import itertools
import struct
from collections.abc import Awaitable, Callable, Sequence

from harness.load.aio.calling import unwatched
from harness.load.aio.lease import CALL, Late
from harness.load.back_to_back import NO_SPLIT, steps_of
from harness.load.blocking import LONG_NS
from harness.load.calling import Calling, make_aside, make_finish, make_raised
from harness.load.owner import Owner
from harness.model import Outcome
from harness.table.calls import FILL_FROM, HEADER_BYTES, ROW_BYTES
from harness.table.heldby import DRIVER
from harness.table.recorder import FILL

Slice = Callable[[Owner, int, int, int, int, int], Awaitable[int]]
"""Async function from (owner, intended_ns, now_ns, lag_target_ns, lag_host_ns, slice_end_ns) to the next call's intended time.

All times are of the clock. It makes at least one call, and starts none after the end of the slice, nor after a call that
has cancelled its own task or has set new context variables.
"""
_COMPLETED = int(Outcome.COMPLETED)


def make_slice(calling: Calling, sequence: Sequence[tuple[int, int]], late: Late) -> Slice:  # noqa: C901, PLR0915 - one loop: a function for each part would cost a call each
    """Return the function that makes and records calls in the order of `sequence`, repeated, shared by all users.

    It raises `HarnessError` if the disk or the table is full, and `RefusedError` for a result that only promises work.
    """
    work, recorder, origin_ns = calling.work, calling.recorder, calling.origin_ns
    split = calling.split or unwatched(len(work.calls))
    take = itertools.cycle(steps_of(work, split, sequence)).__next__
    has_split, table, claim, tail = (
        calling.split is not None,
        recorder.map,
        recorder.appender(),
        recorder.tail,
    )
    fill_and_claim = struct.Struct("<3q32x3q" if has_split else "<2q16s24x3q").pack_into
    fill, held, lend, late_owners = FILL.pack_into, split.held, CALL.set, late.owners
    finish = make_finish(calling, split) if has_split else None
    now_ns, passed, aside, raised = work.now_ns, work.passed, make_aside(calling), make_raised(calling)

    async def run(owner: Owner, intended_ns: int, let_go_ns: int, lag_target_ns: int, lag_host_ns: int, end_ns: int) -> int:  # fmt: skip  # noqa: C901, PLR0915 - as above
        is_cancelled, count_variables = owner.root.cancelling, owner.context.__len__
        variables, has_lag = count_variables(), lag_target_ns or lag_host_ns
        # `Holds` must hear of every call that ends after the watched moment.
        end_ns, before_ns = min(end_ns, split.due_ns), owner.run_ns
        call, event, entry, operation, head = take()
        event = entry.take() if entry else event
        row = claim(operation, head >> 32, intended_ns - origin_ns, let_go_ns - origin_ns)
        place, room = HEADER_BYTES + row * ROW_BYTES, tail[1]
        while True:
            lend(lease := [owner])
            owner.holder = operation
            split.mark_ns = entered_ns = now_ns()
            try:
                result = await call(event)
            except BaseException as error:  # noqa: BLE001 - whatever the target raises is its outcome
                outcome, result = raised(error, row, operation, completed_ns := now_ns()), None
            else:
                completed_ns, outcome = now_ns(), _COMPLETED
            lease[0] = late_owners[operation]
            next_ns, is_alone = completed_ns, owner.seen is None
            if is_alone:  # No other task is known to have run.
                run_ns, wait_busy_ns = completed_ns - entered_ns, 0
                held[operation] += run_ns
                split.mark_ns = completed_ns
                if run_ns > LONG_NS and split.blocking:
                    split.blocking.held(operation, entered_ns, completed_ns)
            elif finish:
                run_ns, wait_busy_ns = finish(owner, owner, row, entered_ns, before_ns, completed_ns)
                before_ns = owner.run_ns
            if entry or type(result) not in passed:
                owner.holder = DRIVER
                outcome, next_ns = aside(row, operation, outcome, completed_ns, result, entry, event)
            is_last = next_ns > end_ns or is_cancelled() or count_variables() != variables
            if is_alone:
                is_next = (has_split or tail[0] == row + 1) and row + 1 < room
                if is_next and not is_last and not has_lag:
                    at_ns = next_ns - origin_ns
                    call, event, entry, operation, head = take()
                    event = entry.take() if entry else event
                    tail[0] = (row := row + 1) + 1
                    fill_and_claim(
                        table, place + FILL_FROM, entered_ns - origin_ns, completed_ns - origin_ns,
                        run_ns if has_split else NO_SPLIT, head, at_ns, at_ns)  # fmt: skip
                    table[place] = outcome
                    place += ROW_BYTES
                    continue
                if completed_ns > split.due_ns:
                    split.holds.remember(entered_ns, completed_ns)
            run_ns, wait_busy_ns = (run_ns, wait_busy_ns) if has_split else (-1, -1)
            fill(table, place + FILL_FROM, entered_ns - origin_ns, completed_ns - origin_ns, run_ns, wait_busy_ns, lag_target_ns, lag_host_ns)  # fmt: skip
            table[place] = outcome
            if is_last:
                owner.holder = DRIVER
                return next_ns
            has_lag = lag_target_ns = lag_host_ns = 0
            call, event, entry, operation, head = take()
            event = entry.take() if entry else event
            row = claim(operation, head >> 32, next_ns - origin_ns, next_ns - origin_ns)
            place, room = HEADER_BYTES + row * ROW_BYTES, tail[1]

    return run
