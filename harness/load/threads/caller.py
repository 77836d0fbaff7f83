"""Make and record the calls of one thread; the hot path of a run with threads.

Everything that a call changes belongs to its thread, except for its row. The row is written, and the call counted, under
one lock that all threads share: so a table that grows never moves under a thread that writes, and at the end of a run one
closing of the gate separates the calls that are counted from those that stay unfinished.
"""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

from harness.load.calling import Calling, make_aside, make_note
from harness.load.owner import Owner
from harness.model import Outcome
from harness.run.facts import ThreadCpu
from harness.table.calls import HEADER_BYTES, ROW_BYTES
from harness.table.heldby import DRIVER
from harness.table.recorder import FILL, FILL_BASE
from harness.target.failures import Failure, Failures
from harness.target.renewing import Renewable

MakeCall = Callable[[int, int, int, int, int, int], int | None]
"""Function of (row, operation, payload, intended_ns, lag_target_ns, lag_host_ns), times of the table.

It calls the target, fills the claimed row, and returns the clock after the call and the work on its answer. It returns None
if the run has ended meanwhile: then nothing was recorded.
"""
Counted = Callable[[int], None]
"""Function of the clock after a call, called under the lock once the row of that call is filled."""


class Gate:
    """The lock for the table, the number of calls recorded, and whether the table is closed to calls that still run."""

    __slots__ = ("ended", "is_closed", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ended = 0
        self.is_closed = False

    def close(self) -> None:
        """Let no call be recorded from now on."""
        with self.lock:
            self.is_closed = True


class Caller:
    """The calls of one thread: `make` returns the function that makes them, in that thread."""

    def __init__(self, calling: Calling, gate: Gate) -> None:
        self._failures = Failures()
        self._spent = [0]
        work = dataclasses.replace(calling.work, failures=self._failures, spent=self._spent, passed=set())
        self._calling = dataclasses.replace(calling, work=work)
        self._gate = gate
        self._calls, self._cpu_ns = [0] * len(work.calls), [0] * len(work.calls)
        self.aside_cpu_ns = [0, 0]
        """CPU time of the thread outside of calls, up to its last call, and its whole CPU time at the end of that call."""

    @property
    def failures(self) -> list[Failure]:
        """The kinds of failures of its calls of the measured time."""
        return self._failures.found(self._calling.work.names)

    @property
    def aside_ns(self) -> int:
        """Time spent on judging answers and renewing events."""
        return self._spent[0]

    def cpu(self) -> list[ThreadCpu]:
        """Return the calls of the measured time and their CPU time, by operation."""
        pairs = zip(self._calls, self._cpu_ns, strict=True)
        return [ThreadCpu(calls=calls, cpu_ns=cpu_ns) for calls, cpu_ns in pairs]

    def make(self, counted: Counted | None = None) -> MakeCall:
        """Return the function that makes and records one call; call this in the thread of the calls."""
        calling, gate, failures = self._calling, self._gate, self._failures
        cpu_ns = time.thread_time_ns
        work, table, origin_ns = calling.work, calling.recorder.map, calling.origin_ns
        owner = calling.owners[threading.get_ident()] = Owner()
        pack, all_events, passed = FILL.pack_into, work.events, work.passed
        invokes, aside, note = work.invokes(None), make_aside(calling, _later), make_note(calling)
        calls, used_ns, mine, completed = (
            self._calls,
            self._cpu_ns,
            self.aside_cpu_ns,
            int(Outcome.COMPLETED),
        )
        mine[1] = cpu_ns()

        def make(
            row: int, operation: int, payload: int, intended_ns: int, lag_target_ns: int, lag_host_ns: int
        ) -> int | None:
            owner.holder = operation
            event, entry = all_events[operation][payload], None
            if type(event) is Renewable:
                event, entry = event.take(), event
            before_ns = cpu_ns()
            mine[0] += before_ns - mine[1]
            outcome, entered_ns, completed_ns, answer = invokes[operation](event)
            after_ns = mine[1] = cpu_ns()
            owner.holder, next_ns = DRIVER, completed_ns
            if entry is not None or type(answer) not in passed:
                outcome, next_ns = aside(row, operation, outcome, completed_ns, answer, entry, event)
            with gate.lock:
                if gate.is_closed:
                    return None
                pack(
                    table, FILL_BASE + row * ROW_BYTES, entered_ns - origin_ns, completed_ns - origin_ns,
                    -1, -1, lag_target_ns, lag_host_ns,
                )  # fmt: skip
                if note is not None:
                    note(row, answer)
                table[HEADER_BYTES + row * ROW_BYTES] = outcome
                if intended_ns >= 0:
                    calls[operation] += 1
                    used_ns[operation] += after_ns - before_ns
                    if outcome != completed:
                        failures.count(operation, outcome, completed_ns - origin_ns)
                gate.ended += 1
                if counted is not None:
                    counted(next_ns)
            return next_ns

        return make


def _later(*_: Any) -> None:
    """Count nothing: a failed call is counted once its row is written."""
