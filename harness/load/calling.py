"""One call from plan row to table row, the same for every executor. This is the hot path of a run."""

import dataclasses
import struct
from collections.abc import Callable, Sequence
from typing import Any

from harness.failures import Failures
from harness.invoke import Invoke, Mark, Vet, make_invoke, take_all
from harness.load.split import Owner, Split
from harness.model import Outcome
from harness.refusals import Results
from harness.table.calls import HEADER_BYTES, INTENDED_FROM, ROW_BYTES
from harness.table.heldby import HeldBy
from harness.table.recorder import FILL, FILL_BASE, Recorder

Make = Callable[[object, int, int, int, int, int], int]
"""(greenlet, row, operation, payload, lag_target_ns, lag_host_ns) to completed_ns.

Calls the target in that greenlet, which must have an owner, and fills the claimed row. What goes in counts from time zero
of the table, what comes out is of the clock.
"""
Failed = Callable[[int, int, int, int], None]
"""(row, operation, outcome, completed_ns of the clock) of a call whose reason has just been noted."""
Raised = Callable[[BaseException, int, int, int], int]
"""(error, row, operation, completed_ns of the clock) to the outcome; raises what is none."""
Answered = Callable[[Any, int, int, int, int], None]
"""(result, row, operation, outcome, completed_ns of the clock)."""
Finish = Callable[[object, Owner, int, int, int, int], tuple[int, int]]
"""(greenlet, its owner, row, entered_ns, its run_ns by then, completed_ns) to (run_ns, wait_busy_ns)."""

_INTENDED = struct.Struct("<q")


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What can be called: for each operation its call under its marker and a list of events; and how it is stamped."""

    names: Sequence[str]
    calls: Sequence[Callable[[Any], Any]]
    events: Sequence[Sequence[Any]]
    now_ns: Callable[[], int]
    judge: Callable[[Any], Outcome] | None = None
    timeouts: tuple[type[BaseException], ...] = (TimeoutError,)
    failures: Failures = dataclasses.field(default_factory=Failures)
    vet: Vet = take_all

    def results(self) -> list[Results]:
        """Return for each operation what its calls return, of which nothing is known yet."""
        return [Results(name) for name in self.names]

    def invokes(self, mark: Mark | None) -> list[Invoke]:
        """Return the stamped calls; they tell `mark` when they are entered."""
        return [
            make_invoke(
                call,
                self.judge,
                self.now_ns,
                self.timeouts,
                mark,
                self.failures,
                results=results,
                vet=self.vet,
            )
            for call, results in zip(self.calls, self.results(), strict=True)
        ]


@dataclasses.dataclass(frozen=True, slots=True)
class Calling:
    """What every call of a run needs; `origin_ns` is the clock at time zero of the table.

    `owners` says for every greenlet what it works for; it is the split's own where there is a split. `cells` gets
    who held the loop while calls of the measured time waited.
    """

    work: Work
    recorder: Recorder
    origin_ns: int
    split: Split | None
    owners: dict[object, Owner]
    cells: HeldBy | None = None


def make_failed(calling: Calling) -> Failed:
    """Return what counts a call that has failed, if it was planned for the measured time."""
    table, count, intended = calling.recorder.map, calling.work.failures.count, _INTENDED.unpack_from
    origin_ns = calling.origin_ns

    def failed(row: int, operation: int, outcome: int, completed_ns: int) -> None:
        (intended_ns,) = intended(table, HEADER_BYTES + row * ROW_BYTES + INTENDED_FROM)
        if intended_ns >= 0:
            count(operation, outcome, completed_ns - origin_ns)

    return failed


def make_tellers(calling: Calling) -> tuple[Raised, Answered]:
    """Return what notes and counts a failure: by what a call let out, with the outcome for it, and by its result."""
    timeouts, failures, failed = calling.work.timeouts, calling.work.failures, make_failed(calling)
    vet = calling.work.vet
    timed_out, has_failed = int(Outcome.TIMED_OUT), int(Outcome.FAILED)

    def raised(error: BaseException, row: int, operation: int, completed_ns: int) -> int:
        vet(error)
        outcome = timed_out if isinstance(error, timeouts) else has_failed
        failures.raised(error)
        failed(row, operation, outcome, completed_ns)
        return outcome

    def answered(result: Any, row: int, operation: int, outcome: int, completed_ns: int) -> None:
        failures.answered(result)
        failed(row, operation, outcome, completed_ns)

    return raised, answered


def make_caller(calling: Calling) -> Make:
    """Return what makes and records one call."""
    pack, table, origin_ns = FILL.pack_into, calling.recorder.map, calling.origin_ns
    split, all_events, owners = calling.split, calling.work.events, calling.owners
    invokes, failed, completed = calling.work.invokes(split), make_failed(calling), int(Outcome.COMPLETED)

    def make_plain(
        me: object, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:  # fmt: skip
        owners[me].holder = operation
        outcome, entered_ns, completed_ns = invokes[operation](all_events[operation][payload])
        if outcome != completed:
            failed(row, operation, outcome, completed_ns)
        pack(
            table, FILL_BASE + row * ROW_BYTES, entered_ns - origin_ns, completed_ns - origin_ns,
            -1, -1, lag_target_ns, lag_host_ns,
        )  # fmt: skip
        table[HEADER_BYTES + row * ROW_BYTES] = outcome
        return completed_ns

    if split is None:
        return make_plain
    held, finish = split.held, make_finish(calling, split)

    def make_split(
        me: object, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:  # fmt: skip
        event = all_events[operation][payload]
        owner = owners[me]
        owner.holder = operation
        before_ns = owner.run_ns
        outcome, entered_ns, completed_ns = invokes[operation](event)
        if outcome != completed:
            # Before anybody else can fail.
            failed(row, operation, outcome, completed_ns)
        if owner.seen is None:
            # Nobody but the call can have run, and it never waited.
            run_ns, wait_busy_ns = completed_ns - entered_ns, 0
            held[operation] += run_ns
            split.mark_ns = completed_ns
            if completed_ns > split.due_ns:
                split.holds.remember(entered_ns, completed_ns)
        else:
            run_ns, wait_busy_ns = finish(me, owner, row, entered_ns, before_ns, completed_ns)
        pack(
            table, FILL_BASE + row * ROW_BYTES, entered_ns - origin_ns, completed_ns - origin_ns,
            run_ns, wait_busy_ns, lag_target_ns, lag_host_ns,
        )  # fmt: skip
        table[HEADER_BYTES + row * ROW_BYTES] = outcome
        return completed_ns

    return make_split


def make_finish(calling: Calling, split: Split) -> Finish:
    """Return what closes a call within which others may have run."""
    table, owners, cells, waits = calling.recorder.map, calling.owners, calling.cells, split.waits
    intended, origin_ns = _INTENDED.unpack_from, calling.origin_ns

    def finish(
        me: object, owner: Owner, row: int, entered_ns: int, before_ns: int, completed_ns: int
    ) -> tuple[int, int]:
        run_ns, busy_ns, by_ns = split.end_call(owner, completed_ns - entered_ns, before_ns, completed_ns)
        (intended_ns,) = intended(table, HEADER_BYTES + row * ROW_BYTES + INTENDED_FROM)
        if busy_ns and cells is not None and intended_ns >= 0:
            cells.add(owner.holder, by_ns)
        if waits is not None:
            response_ns = completed_ns - origin_ns - intended_ns if intended_ns >= 0 else None
            idle_ns = completed_ns - entered_ns - run_ns - busy_ns
            waits.end(owner, completed_ns, response_ns, idle_ns, busy_ns)
        if owner.is_shared:
            owner.root = None
            owners[me] = Owner(owner.holder, me)
        return run_ns, busy_ns

    return finish
