"""Make calls one after the other without a pause, as a user of the closed model does: the hottest loop of the harness.

The end of a call (and of judging its answer and renewing its event, if needed) is the moment at which the next call is
intended and sent. So one write fills the row of the first and claims the row of the second: the rows are neighbours in
the table unless another greenlet wrote in between.
"""

import itertools
import struct
from collections.abc import Callable, Sequence
from typing import Any

from harness.load.blocking import LONG_NS
from harness.load.calling import Calling, Work, make_aside, make_finish, make_raised
from harness.load.stretches import Stretches
from harness.model import Outcome
from harness.table.calls import FILL_FROM, HEADER_BYTES, ROW_BYTES
from harness.table.heldby import DRIVER
from harness.table.recorder import FILL
from harness.target.invoke import Mark
from harness.target.renewing import Renewable

Slice = Callable[[object, int, int, int, int, int], int]
"""Function from (greenlet, intended_ns, now_ns, lag_target_ns, lag_host_ns, slice_end_ns) to the next call's intended time.

All times are of the clock. It makes at least one call, and starts none after the end of the slice.
"""

_HEAD = struct.Struct("<BBHI")
_UNFINISHED = int(Outcome.UNFINISHED)
NO_SPLIT = struct.pack("<2q", -1, -1)
_COMPLETED = int(Outcome.COMPLETED)


def make_slice(calling: Calling, sequence: Sequence[tuple[int, int]]) -> Slice:  # noqa: C901, PLR0915 - one loop: a function for each part would cost a call each
    """Return the function that makes and records calls in the order of `sequence`, repeated, shared by all users.

    It raises `HarnessError` if the disk or the table is full, and `RefusedError` for a result that only promises work.
    It repeats the code of `make_invoke`, whose extra frame would make recording 1.12 to 1.19 times as long.
    """
    work, recorder, origin_ns, owners = calling.work, calling.recorder, calling.origin_ns, calling.owners
    split = calling.split or _unwatched(len(work.calls))
    take = itertools.cycle(steps_of(work, split, sequence)).__next__
    has_split, table, claim, tail = (
        calling.split is not None,
        recorder.map,
        recorder.appender(),
        recorder.tail,
    )
    # From the times of one row to the claim of the next; columns that stay 0 in between are skipped.
    fill_and_claim = struct.Struct("<3q32x3q" if has_split else "<2q16s24x3q").pack_into
    fill, held = FILL.pack_into, split.held
    finish = make_finish(calling, calling.split) if calling.split else None
    # That one write would clear the first byte of a row, which is written before.
    joins = work.judge is None or work.judge.first_byte_ns is None
    now_ns, passed, aside = work.now_ns, work.passed, make_aside(calling)
    raised = make_raised(calling)

    def run(  # noqa: C901, PLR0915 - as above
        me: object, intended_ns: int, let_go_ns: int, lag_target_ns: int, lag_host_ns: int, end_ns: int
    ) -> int:
        owner, has_lag = owners[me], lag_target_ns or lag_host_ns
        # `Holds` must hear of every call that ends after the watched moment.
        end_ns, before_ns = min(end_ns, split.due_ns), owner.run_ns
        call, event, entry, operation, head = take()
        event = entry.take() if entry else event
        row = claim(operation, head >> 32, intended_ns - origin_ns, let_go_ns - origin_ns)
        place, room = HEADER_BYTES + row * ROW_BYTES, tail[1] if joins else 0
        while True:
            owner.holder = operation
            split.mark_ns = entered_ns = now_ns()
            try:
                result = call(event)
            except BaseException as error:  # noqa: BLE001 - whatever the target raises is its outcome
                outcome, result = raised(error, row, operation, completed_ns := now_ns()), None
            else:
                completed_ns, outcome = now_ns(), _COMPLETED
            done_ns = at_ns = completed_ns - origin_ns
            next_ns, is_alone = completed_ns, owner.seen is None
            if is_alone:  # No other greenlet is known to have run.
                run_ns, wait_busy_ns = completed_ns - entered_ns, 0
                held[operation] += run_ns
                split.mark_ns = completed_ns
                if run_ns > LONG_NS and split.blocking:
                    split.blocking.held(operation, entered_ns, completed_ns)
            elif finish:
                run_ns, wait_busy_ns = finish(me, owner, row, entered_ns, before_ns, completed_ns)
                owner, before_ns = owners[me], owners[me].run_ns
            if entry or type(result) not in passed:
                owner.holder = DRIVER
                outcome, next_ns = aside(row, operation, outcome, completed_ns, result, entry, event)
                owner.seen, before_ns, at_ns = None, owner.run_ns, next_ns - origin_ns
            if is_alone:
                # Without a split, or while an answer was judged, another greenlet may have claimed the next row unnoticed.
                is_next = (has_split and next_ns == completed_ns) or tail[0] == row + 1
                if is_next and row + 1 < room and next_ns <= end_ns and not has_lag:
                    call, event, entry, operation, head = take()
                    event = entry.take() if entry else event
                    row += 1
                    tail[0] = row + 1
                    fill_and_claim(
                        table, place + FILL_FROM, entered_ns - origin_ns, done_ns,
                        run_ns if has_split else NO_SPLIT, head, at_ns, at_ns)  # fmt: skip
                    table[place] = outcome
                    place += ROW_BYTES
                    continue
                if completed_ns > split.due_ns:
                    split.holds.remember(entered_ns, completed_ns)
            run_ns, wait_busy_ns = (run_ns, wait_busy_ns) if has_split else (-1, -1)
            fill(table, place + FILL_FROM, entered_ns - origin_ns, done_ns, run_ns, wait_busy_ns, lag_target_ns, lag_host_ns)  # fmt: skip
            table[place] = outcome
            if next_ns > end_ns:
                return next_ns
            has_lag = lag_target_ns = lag_host_ns = 0
            call, event, entry, operation, head = take()
            event = entry.take() if entry else event
            row = claim(operation, head >> 32, at_ns, at_ns)
            place, room = HEADER_BYTES + row * ROW_BYTES, tail[1] if joins else 0

    return run


def _unwatched(operations: int) -> Stretches:
    """Return a stand-in split for a run without one; its marks are ignored."""
    split = Stretches(int)
    split.expect(operations)
    return split


def steps_of(
    work: Work, mark: Mark, sequence: Sequence[tuple[int, int]]
) -> list[tuple[Callable[[Any], Any], Any, Renewable | None, int, int]]:
    """Return for each step the function to call, its event and entry of the pool, the operation, and its row's first bytes."""
    calls = work.calls_marked_by(mark)
    heads = (int.from_bytes(_HEAD.pack(_UNFINISHED, 0, *step), "little") for step in sequence)
    events = (work.events[operation][payload] for operation, payload in sequence)
    return [
        (calls[operation], event, event if type(event) is Renewable else None, operation, head)
        for (operation, _), event, head in zip(sequence, events, heads, strict=True)
    ]
