"""Calls that follow one another without a pause, as a user of the closed model makes them: the hottest loop of all.

A call that ends is the moment at which the next one is intended and let go, so one write fills the row of the
first and claims the row of the second: they are neighbours in the table unless another greenlet came between.
"""

import itertools
import struct
from collections.abc import Callable, Sequence
from typing import Any

from harness.calls import HEADER_BYTES, ROW_BYTES
from harness.invoke import Invoke
from harness.load.calling import Calling, make_finish
from harness.model import Outcome
from harness.recorder import FILL, FILL_BASE

Slice = Callable[[object, int, int, int, int, int], int]
"""(greenlet, intended_ns, now_ns, lag_target_ns, lag_host_ns, slice_end_ns) to completed_ns, all of the clock.

Makes one call at least, and no more once the clock is beyond the end of the slice.
"""

_HEAD = struct.Struct("<BBHI")
_UNFINISHED = int(Outcome.UNFINISHED)
# From the times of one row to the claim of the next; what stays 0 between them is skipped.
_FILL_AND_CLAIM = struct.Struct("<4q16x3q")


def make_slice(calling: Calling, sequence: Sequence[tuple[int, int]]) -> Slice:
    """Return what makes and records calls in the order of `sequence`, round and round, for all users alike.

    Raises `HarnessError` when the disk or the table is full.
    """
    take = itertools.cycle(_steps(calling, sequence)).__next__
    recorder, origin_ns, owners, split = calling.recorder, calling.origin_ns, calling.owners, calling.split
    table, claim, tail = recorder.map, recorder.appender(), recorder.tail
    fill, fill_and_claim, fill_at = FILL.pack_into, _FILL_AND_CLAIM.pack_into, FILL_BASE
    held = split.held if split else []
    finish = make_finish(calling, split) if split else None

    def run(
        me: object, intended_ns: int, now_ns: int, lag_target_ns: int, lag_host_ns: int, slice_end_ns: int
    ) -> int:
        owner, has_lag = owners[me], lag_target_ns or lag_host_ns
        invoke, event, operation, head = take()
        row = claim(operation, head >> 32, intended_ns - origin_ns, now_ns - origin_ns)
        while True:
            owner.holder = operation
            before_ns = owner.run_ns
            outcome, entered_ns, completed_ns = invoke(event)
            if split is None or finish is None:
                run_ns = wait_busy_ns = -1
            elif owner.seen is None:
                # Nobody but the call can have run, and it never waited.
                run_ns, wait_busy_ns = completed_ns - entered_ns, 0
                held[operation] += run_ns
                split.mark_ns = completed_ns
                if completed_ns > split.due_ns:
                    split.holds.remember(entered_ns, completed_ns)
            else:
                run_ns, wait_busy_ns = finish(
                    me, owner, row, completed_ns - entered_ns, before_ns, completed_ns
                )
                owner = owners[me]
            entered_ns -= origin_ns
            done_ns = completed_ns - origin_ns
            place = row * ROW_BYTES
            if completed_ns <= slice_end_ns and tail[0] == row + 1 < tail[1] and not has_lag:
                invoke, event, operation, head = take()
                tail[0] = row + 2
                fill_and_claim(
                    table, fill_at + place, entered_ns, done_ns, run_ns, wait_busy_ns, head, done_ns, done_ns
                )
                table[HEADER_BYTES + place] = outcome
                row += 1
                continue
            fill(
                table, fill_at + place, entered_ns, done_ns, run_ns, wait_busy_ns, lag_target_ns, lag_host_ns
            )
            table[HEADER_BYTES + place] = outcome
            if completed_ns > slice_end_ns:
                return completed_ns
            has_lag = lag_target_ns = lag_host_ns = 0
            invoke, event, operation, head = take()
            row = claim(operation, head >> 32, done_ns, done_ns)

    return run


def _steps(calling: Calling, sequence: Sequence[tuple[int, int]]) -> list[tuple[Invoke, Any, int, int]]:
    """Return for each step what is called, with what, the operation, and the first eight bytes of its row."""
    invokes, events = calling.work.invokes, calling.work.events
    heads = (_HEAD.pack(_UNFINISHED, 0, *step) for step in sequence)
    return [
        (invokes[operation], events[operation][payload], operation, int.from_bytes(head, "little"))
        for (operation, payload), head in zip(sequence, heads, strict=True)
    ]
