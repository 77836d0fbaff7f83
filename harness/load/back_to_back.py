"""Calls that follow one another without a pause, as a user of the closed model makes them: the hottest loop of all.

A call that ends is the moment at which the next one is intended and let go, so one write fills the row of the
first and claims the row of the second: they are neighbours in the table unless another greenlet came between.
"""

import itertools
import struct
from collections.abc import Callable, Sequence
from typing import Any

from harness.load.calling import Calling, make_finish, make_tellers
from harness.load.split import Split
from harness.model import Outcome
from harness.refusals import Results
from harness.table.calls import FILL_FROM, HEADER_BYTES, ROW_BYTES
from harness.table.recorder import FILL

Slice = Callable[[object, int, int, int, int, int], int]
"""(greenlet, intended_ns, now_ns, lag_target_ns, lag_host_ns, slice_end_ns) to completed_ns, all of the clock.

Makes one call at least, and no more once the clock is beyond the end of the slice.
"""

_HEAD = struct.Struct("<BBHI")
_UNFINISHED = int(Outcome.UNFINISHED)
_NO_SPLIT = struct.pack("<2q", -1, -1)
_COMPLETED = int(Outcome.COMPLETED)


def make_slice(calling: Calling, sequence: Sequence[tuple[int, int]]) -> Slice:  # noqa: C901, PLR0915 - one loop: every part of its own would be a call more
    """Return what makes and records calls in the order of `sequence`, round and round, for all users alike.

    Raises `HarnessError` when the disk or the table is full, and `RefusedError` for a result that is none.
    """
    results = calling.work.results()
    take = itertools.cycle(_steps(calling, sequence, results)).__next__
    work, recorder, origin_ns, owners = calling.work, calling.recorder, calling.origin_ns, calling.owners
    # Without a split another may have claimed the next row unnoticed.
    split = calling.split or _unwatched(len(work.calls))
    has_split, table, claim, tail = (
        calling.split is not None,
        recorder.map,
        recorder.appender(),
        recorder.tail,
    )
    # From the times of one row to the claim of the next; what stays 0 between them is skipped.
    fill_and_claim = struct.Struct("<3q24x3q" if has_split else "<2q16s16x3q").pack_into
    fill, held = FILL.pack_into, split.held
    finish = make_finish(calling, calling.split) if calling.split else None
    judge, now_ns = work.judge, work.now_ns
    raised, answered = make_tellers(calling)

    def run(  # noqa: C901 - as above
        me: object, intended_ns: int, let_go_ns: int, lag_target_ns: int, lag_host_ns: int, end_ns: int
    ) -> int:
        owner, has_lag = owners[me], lag_target_ns or lag_host_ns
        # Who asks for what was held after a moment hears of every call beyond it.
        end_ns, before_ns = min(end_ns, split.due_ns), owner.run_ns
        call, event, operation, head, finished = take()
        row = claim(operation, head >> 32, intended_ns - origin_ns, let_go_ns - origin_ns)
        place, room = HEADER_BYTES + row * ROW_BYTES, tail[1]
        while True:
            owner.holder = operation
            # As `make_invoke` does it, without its frame: by that, recording takes 1.12 to 1.19 times as long.
            split.mark_ns = entered_ns = now_ns()
            try:
                result = call(event)
            except BaseException as error:  # noqa: BLE001 - whatever the target raises is its outcome
                outcome = raised(error, row, operation, completed_ns := now_ns())
            else:
                completed_ns = now_ns()
                if type(result) not in finished:
                    results[operation].check(result)
                outcome = _COMPLETED if judge is None else judge(result)
                if outcome != _COMPLETED:
                    answered(result, row, operation, outcome, completed_ns)
            done_ns = completed_ns - origin_ns
            if owner.seen is None:  # As far as is known nobody else has run.
                run_ns, wait_busy_ns = completed_ns - entered_ns, 0
                held[operation] += run_ns
                split.mark_ns = completed_ns
                is_next = row + 1 < room and (has_split or tail[0] == row + 1)
                if is_next and completed_ns <= end_ns and not has_lag:
                    call, event, operation, head, finished = take()
                    row += 1
                    tail[0] = row + 1
                    fill_and_claim(
                        table, place + FILL_FROM, entered_ns - origin_ns, done_ns,
                        run_ns if has_split else _NO_SPLIT, head, done_ns, done_ns,
                    )  # fmt: skip
                    table[place] = outcome
                    place += ROW_BYTES
                    continue
                if completed_ns > split.due_ns:
                    split.holds.remember(entered_ns, completed_ns)
            elif finish:
                run_ns, wait_busy_ns = finish(me, owner, row, entered_ns, before_ns, completed_ns)
                owner = owners[me]
                before_ns = owner.run_ns
            if not has_split:
                run_ns = wait_busy_ns = -1
            fill(
                table, place + FILL_FROM,
                entered_ns - origin_ns, done_ns, run_ns, wait_busy_ns, lag_target_ns, lag_host_ns,
            )  # fmt: skip
            table[place] = outcome
            if completed_ns > end_ns:
                return completed_ns
            has_lag = lag_target_ns = lag_host_ns = 0
            call, event, operation, head, finished = take()
            row = claim(operation, head >> 32, done_ns, done_ns)
            place, room = HEADER_BYTES + row * ROW_BYTES, tail[1]

    return run


def _unwatched(operations: int) -> Split:
    """Return what a run without a split marks, to no end."""
    split = Split(None, int)
    split.expect(operations)
    return split


def _steps(
    calling: Calling, sequence: Sequence[tuple[int, int]], results: Sequence[Results]
) -> list[tuple[Callable[[Any], Any], Any, int, int, set[type]]]:
    """Return for each step what is called, with what, the operation, the first eight bytes of its row, and finished classes."""
    work = calling.work
    heads = (_HEAD.pack(_UNFINISHED, 0, *step) for step in sequence)
    return [
        (
            work.calls[operation],
            work.events[operation][payload],
            operation,
            int.from_bytes(head, "little"),
            results[operation].finished,
        )
        for (operation, payload), head in zip(sequence, heads, strict=True)
    ]
