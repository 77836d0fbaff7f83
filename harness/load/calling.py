"""Make one call, from plan row to table row, the same for every executor. This is the hot path of a run."""

import dataclasses
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, RefusedError
from harness.load.blocking import LONG_NS
from harness.load.owner import Owner
from harness.model import Outcome
from harness.table.calls import FIRST_BYTE_FROM, HEADER_BYTES, INTENDED_FROM, ROW_BYTES
from harness.table.heldby import DRIVER, HeldBy
from harness.table.recorder import FILL, FILL_BASE, Recorder
from harness.target.answers import Judge
from harness.target.failures import Failures
from harness.target.invoke import Invoke, Mark, Unmarked, Vet, make_invoke, take_all
from harness.target.refusals import Results
from harness.target.renewing import Renewable

if TYPE_CHECKING:
    from harness.load.stretches import Stretches
    from harness.load.tracing import Traced

Make = Callable[[object, int, int, int, int, int], int]
"""Function from (greenlet, row, operation, payload, lag_target_ns, lag_host_ns) to completed_ns of the clock.

It calls the target in that greenlet, which must have an owner, and fills the claimed row.
"""
Failed = Callable[[int, int, int, int], None]
"""Function of (row, operation, outcome, completed_ns of the clock) for a call whose reason of failure has just been noted."""
Raised = Callable[[BaseException, int, int, int], int]
"""Function from (error, row, operation, completed_ns of the clock) to the outcome; it raises an error that is not an outcome."""
Aside = Callable[[int, int, int, int, Any, Any, Any], tuple[int, int]]
"""Function from (row, operation, outcome, completed_ns, answer, entry of the pool, event) to (outcome, now), times of the clock.

It checks that the answer is finished, judges it, and gives the event back. This is the driver's work after a call. Target
code in it may give the loop away, so the call must be closed before, and its greenlet must not count as a holder of its
operation. It raises `RefusedError` for an unfinished answer.
"""
Finish = Callable[[object, Owner, int, int, int, int], tuple[int, int]]
"""Function from (greenlet, its owner, row, entered_ns, its run_ns at entry, completed_ns) to (run_ns, wait_busy_ns)."""

Note = Callable[[int, Any], None]
"""Function of (row, answer) that writes the time of the answer's first byte into the row."""

_INTENDED = _FIRST_BYTE = struct.Struct("<q")


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """The callable operations: for each its call under its marker, its events, and how the call is stamped."""

    names: Sequence[str]
    calls: Sequence[Callable[[Any], Any]]
    events: Sequence[Sequence[Any]]
    now_ns: Callable[[], int]
    judge: Judge | None = None
    timeouts: tuple[type[BaseException], ...] = (TimeoutError,)
    failures: Failures = dataclasses.field(default_factory=Failures)
    vet: Vet = take_all
    spent: list[int] = dataclasses.field(default_factory=lambda: [0])
    """Total time spent on judging answers and renewing events, in ns: one number in a list."""
    passed: set[type] = dataclasses.field(default_factory=set)
    """Types whose every answer is finished and completed: such a call needs no work afterwards. The set grows."""
    traced: "Traced | None" = None
    """Function that gives a call's event the header of its trace; None for a run without."""

    def invokes(self, mark: Mark | None) -> list[Invoke]:
        """Return the stamped calls by operation; each tells `mark` when it is entered."""
        mark = mark or Unmarked()
        return [
            make_invoke(call, self.now_ns, self.timeouts, mark, self.failures, vet=self.vet)
            for call in self.calls_marked_by(mark)
        ]

    def calls_marked_by(self, mark: Mark) -> Sequence[Callable[[Any], Any]]:
        """Return the calls by operation for an engine that tells `mark` the moment of entry right before each."""
        return self.calls if self.traced is None else [self.traced(call, mark) for call in self.calls]


@dataclasses.dataclass(frozen=True, slots=True)
class Calling:
    """The objects that every call of a run needs; `origin_ns` is the clock at time zero of the table.

    `owners` maps every greenlet to its owner; with a split it is the split's own mapping. `cells` receives what blocked
    the event loop while calls of the measured time waited.
    """

    work: Work
    recorder: Recorder
    origin_ns: int
    split: "Stretches | None"
    owners: dict[object, Owner]
    cells: HeldBy | None = None


def make_failed(calling: Calling) -> Failed:
    """Return the function that counts a failed call, if the call was planned for the measured time."""
    table, count, intended = calling.recorder.map, calling.work.failures.count, _INTENDED.unpack_from
    origin_ns = calling.origin_ns

    def failed(row: int, operation: int, outcome: int, completed_ns: int) -> None:
        (intended_ns,) = intended(table, HEADER_BYTES + row * ROW_BYTES + INTENDED_FROM)
        if intended_ns >= 0:
            count(operation, outcome, completed_ns - origin_ns)

    return failed


def make_raised(calling: Calling) -> Raised:
    """Return the function that notes and counts a failure by its exception, and returns the outcome."""
    timeouts, failures, failed = calling.work.timeouts, calling.work.failures, make_failed(calling)
    vet = calling.work.vet
    timed_out, has_failed = int(Outcome.TIMED_OUT), int(Outcome.FAILED)

    def raised(error: BaseException, row: int, operation: int, completed_ns: int) -> int:
        vet(error)
        outcome = timed_out if isinstance(error, timeouts) else has_failed
        failures.raised(error)
        failed(row, operation, outcome, completed_ns)
        return outcome

    return raised


def make_note(calling: Calling) -> Note | None:
    """Return the function that notes the first byte of an answer; None if the target's answers know of none.

    A row keeps it beside its other times, which are written before or after it.
    """
    judge, pack, table = calling.work.judge, _FIRST_BYTE.pack_into, calling.recorder.map
    first_byte_ns = judge.first_byte_ns if judge else None
    if first_byte_ns is None:
        return None

    def note(row: int, answer: Any) -> None:
        if answer is not None:
            pack(table, HEADER_BYTES + row * ROW_BYTES + FIRST_BYTE_FROM, first_byte_ns(answer))

    return note


def make_aside(calling: Calling, failed: Failed | None = None) -> Aside:
    """Return the function for the work after a closed call, which counts as the driver's time.

    `failed` is called for a call whose answer is judged failed, and must also see to its `make_note`; without one, both are
    done at once.
    """
    note = make_note(calling) if failed is None else None
    failed = failed or make_failed(calling)
    work, completed = calling.work, int(Outcome.COMPLETED)
    judge, passed, names, now_ns, spent = work.judge, work.passed, work.names, work.now_ns, work.spent
    decide = judge.decide if judge else int
    results = [Results(name) for name in names]

    def aside(
        row: int, operation: int, outcome: int, completed_ns: int, answer: Any, entry: Any, event: Any
    ) -> tuple[int, int]:
        if outcome == completed and (kind := type(answer)) not in passed:
            if is_new := kind not in results[operation].finished:
                results[operation].check(answer)
            if judge is not None:
                try:
                    outcome = decide(answer)
                except BaseException as error:  # noqa: BLE001 - the target's code; the driver's own exceptions pass on
                    outcome = judge.blamed("outcome", names[operation], error)
                if outcome != completed:
                    work.failures.answered(judge.reason(answer, names[operation]))
                    failed(row, operation, outcome, completed_ns)
            if note is not None:
                note(row, answer)
            if is_new and kind in results[operation].finished and (judge is None or kind in judge.passed):
                passed.add(kind)
        if entry is not None:
            _give_back(entry, event, judge)
        ended_ns = now_ns()
        spent[0] += ended_ns - completed_ns
        return outcome, ended_ns

    return aside


def _give_back(entry: Renewable, event: Any, judge: Judge | None) -> None:
    try:
        entry.give_back(event)
    except RefusedError:
        raise
    except HarnessError as error:
        if judge is None:
            raise
        judge.blame(str(error))


def make_caller(calling: Calling) -> Make:  # noqa: C901 - two hot paths: a function for each part would cost a call each
    """Return the function that makes and records one call."""
    pack, table, origin_ns = FILL.pack_into, calling.recorder.map, calling.origin_ns
    split, all_events, owners = calling.split, calling.work.events, calling.owners
    invokes, failed, completed = calling.work.invokes(split), make_failed(calling), int(Outcome.COMPLETED)
    passed, aside = calling.work.passed, make_aside(calling)

    def make_plain(
        me: object, row: int, operation: int, payload: int, lag_target_ns: int, lag_host_ns: int
    ) -> int:
        owners[me].holder = operation
        event, entry = all_events[operation][payload], None
        if type(event) is Renewable:
            event, entry = event.take(), event
        outcome, entered_ns, completed_ns, answer = invokes[operation](event)
        if outcome != completed:
            failed(row, operation, outcome, completed_ns)
        if entry is not None or type(answer) not in passed:
            outcome, _ = aside(row, operation, outcome, completed_ns, answer, entry, event)
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
    ) -> int:
        event, entry = all_events[operation][payload], None
        if type(event) is Renewable:
            event, entry = event.take(), event
        owner = owners[me]
        owner.holder = operation
        before_ns = owner.run_ns
        outcome, entered_ns, completed_ns, answer = invokes[operation](event)
        if outcome != completed:
            # Counted before another call can fail.
            failed(row, operation, outcome, completed_ns)
        if owner.seen is None:
            # Only this call can have run, and it never waited.
            run_ns, wait_busy_ns = completed_ns - entered_ns, 0
            held[operation] += run_ns
            split.mark_ns = completed_ns
            if run_ns > LONG_NS and split.blocking:
                split.blocking.held(operation, entered_ns, completed_ns)
            if completed_ns > split.due_ns:
                split.holds.remember(entered_ns, completed_ns)
        else:
            run_ns, wait_busy_ns = finish(me, owner, row, entered_ns, before_ns, completed_ns)
        if entry is not None or type(answer) not in passed:
            owner = owners[me]
            owner.holder = DRIVER
            outcome, _ = aside(row, operation, outcome, completed_ns, answer, entry, event)
            owner.seen = None
        pack(
            table, FILL_BASE + row * ROW_BYTES, entered_ns - origin_ns, completed_ns - origin_ns,
            run_ns, wait_busy_ns, lag_target_ns, lag_host_ns,
        )  # fmt: skip
        table[HEADER_BYTES + row * ROW_BYTES] = outcome
        return completed_ns

    return make_split


def make_finish(calling: Calling, split: "Stretches") -> Finish:
    """Return the function that closes a call during which others may have run."""
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
