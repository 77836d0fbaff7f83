"""Collect the stacks on which calls wait, for a wait profile, at the switches that the split sees anyway.

The waiting of a call is the clock less its `run_ns`, so nothing is stamped here: when its greenlet returns, the growth of
that difference is assigned to the stack to which it returns. Reading a stack costs a microsecond or more, so it is read
at most once for every 0.2 ms waited. Shorter waits are summed, also over the calls of an operation, and assigned to the
stack at which the sum reaches 0.2 ms. So all waiting of an operation is on some stack, except less than 0.2 ms for each
call in flight.

Greenlets that work for a call wait beside it. Their waiting is kept apart, in greenlet time.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Protocol

from harness.load.owner import Charge, Key, Owner
from harness.profiles.capture.wait import UNTOLD, OperationWaits, WaitRecord, bucket_of
from harness.table.heldby import DRIVER, IDLE

LEAST_NS = 200_000
MOST_DEEP = 256
"""Most frames of a stack that are kept."""
_MOST_STACKS = 20_000


Codes = Callable[[object, CodeType | None, int], list[CodeType]]
"""Function from (greenlet or task that waited, marker, depth) to the codes of its stack, leaf first, up to the marker.

`depth` is the number of frames of the hook and this module above it on the stack of the caller.
"""


def codes_of_frames(_greenlet: object, marker: CodeType | None, depth: int) -> list[CodeType]:
    """Return the codes of the running stack: the greenlet runs again, below the hook that tells of it."""
    frame: FrameType | None = sys._getframe(depth + 1)  # noqa: SLF001 - the frame of the greenlet
    codes: list[CodeType] = []
    keep = codes.append
    while frame is not None:
        code = frame.f_code
        keep(code)
        if code is marker or len(codes) == MOST_DEEP:
            break
        frame = frame.f_back
    return codes


class Totals(Protocol):
    """The totals of the split that the waits need."""

    held: list[int]
    mark_ns: int
    collected_in_target_ns: int


class Waits:
    """Waiting by operation and stack, one per process; `markers` are the code objects of the operations' markers."""

    def __init__(
        self,
        totals: Totals,
        markers: Sequence[CodeType],
        now_ns: Callable[[], int],
        least_ns: int = LEAST_NS,
        *,
        codes: Codes = codes_of_frames,
    ) -> None:
        self._totals = totals
        self._markers = markers
        self._now_ns = now_ns
        self._least_ns = least_ns
        self._codes = codes
        self._carry = [(0, 0)] * len(markers)
        self._stacks: dict[Key, list[CodeType]] = {}
        self._cells: list[dict[int, dict[Key, tuple[int, int]]]] = [{} for _ in markers]
        self._parallel: list[dict[Key, tuple[int, int]]] = [{} for _ in markers]
        # Idle ns and busy ns, by operation.
        self._sums = [[0, 0] for _ in markers]
        self._left: dict[object, tuple[int, int]] = {}
        self.reads = self.read_frames = self.spent_ns = 0

    def begin(self, owner: Owner, now_ns: int) -> None:
        """Note that a call can wait from now on."""
        if owner.root is None or owner.holder < 0:
            return
        waiting = owner.waiting
        waiting.carried = all_ns, idle_ns = self._carry[owner.holder]
        self._carry[owner.holder] = (0, 0)
        waiting.from_ns = now_ns - owner.run_ns - all_ns
        waiting.idle_from_ns = self._totals.held[IDLE] - idle_ns

    def left(self, owner: Owner, greenlet: object, now_ns: int) -> None:
        """Note that a greenlet or task, one of several that work for a call, has yielded."""
        if owner.holder >= 0 and greenlet is not owner.root and owner.root is not None:
            self._left[greenlet] = now_ns, self._totals.held[IDLE]

    def came_back(self, owner: Owner, greenlet: object, now_ns: int) -> None:
        """Note that a greenlet that works for a call has the loop again. Call it from the hook: it reads the caller's stack."""
        if greenlet is not owner.root:
            self._helper_came_back(owner, greenlet, now_ns)
            return
        waiting = owner.waiting
        all_ns = now_ns - owner.run_ns - waiting.from_ns
        if all_ns < self._least_ns:
            return
        idle_ns = self._totals.held[IDLE] - waiting.idle_from_ns
        key = self._read(greenlet, self._markers[owner.holder], now_ns, 3)
        waiting.charges.append((key, idle_ns, all_ns - idle_ns))
        waiting.from_ns += all_ns
        waiting.idle_from_ns += idle_ns

    def _helper_came_back(self, owner: Owner, greenlet: object, now_ns: int) -> None:
        left_ns, idle_then_ns = self._left.pop(greenlet, (0, 0))
        if not left_ns or owner.root is None:
            return
        all_ns, idle_ns = now_ns - left_ns, self._totals.held[IDLE] - idle_then_ns
        # The greenlet may have been started under another marker than the call, so its whole stack is read.
        key = self._read(greenlet, None, now_ns, 4) if all_ns >= self._least_ns else ()
        owner.waiting.parallel.append((key, idle_ns, all_ns - idle_ns))

    def _read(self, greenlet: object, marker: CodeType | None, now_ns: int, depth: int) -> Key:
        """Return the stack up to the marker; the time for reading it counts as the driver's, not the call's."""
        totals = self._totals
        collected_ns = totals.collected_in_target_ns
        codes = self._codes(greenlet, marker, depth)
        key = tuple(map(id, codes))
        if key not in self._stacks:
            if len(self._stacks) >= _MOST_STACKS:
                key = ()
            else:
                self._stacks[key] = codes
        self.reads += 1
        self.read_frames += len(codes)
        # Garbage collected meanwhile is already counted, as part of the stretch that begins now.
        spent_ns = self._now_ns() - now_ns - (totals.collected_in_target_ns - collected_ns)
        self.spent_ns += spent_ns
        totals.held[DRIVER] += spent_ns
        totals.mark_ns += spent_ns
        return key

    def end(
        self, owner: Owner, completed_ns: int, response_ns: int | None, idle_ns: int, busy_ns: int
    ) -> None:
        """Note that a call that yielded has returned; `response_ns` is None for a call that does not count."""
        waiting, operation = owner.waiting, owner.holder
        charges, parallel = waiting.charges, waiting.parallel
        waiting.charges, waiting.parallel = [], []
        all_ns, all_idle_ns = self._carry[operation]
        if response_ns is None:
            carried_ns, carried_idle_ns = waiting.carried
            self._carry[operation] = all_ns + carried_ns, all_idle_ns + carried_idle_ns
            return
        self._carry[operation] = (
            all_ns + completed_ns - owner.run_ns - waiting.from_ns,
            all_idle_ns + self._totals.held[IDLE] - waiting.idle_from_ns,
        )
        sums = self._sums[operation]
        sums[0] += idle_ns
        sums[1] += busy_ns
        if charges:
            _add(self._cells[operation].setdefault(bucket_of(response_ns), {}), charges)
        if parallel:
            _add(self._parallel[operation], parallel)

    def record(self, names: Sequence[str]) -> WaitRecord:
        """Return all collected waits; `names` are the names of the operations."""
        codes = {id(code): code for stack in self._stacks.values() for code in stack}
        places = {key: place for place, key in enumerate(codes)}
        numbers = {key: number for number, key in enumerate(self._stacks)} | {(): UNTOLD}
        return WaitRecord(
            frames=[(code.co_qualname, code.co_filename, code.co_firstlineno) for code in codes.values()],
            stacks=[[places[id(code)] for code in reversed(stack)] for stack in self._stacks.values()],
            operations={name: self._of_operation(operation, numbers) for operation, name in enumerate(names)},
            least_ns=self._least_ns,
            reads=self.reads,
            read_frames=self.read_frames,
            spent_ns=self.spent_ns,
        )

    def _of_operation(self, operation: int, numbers: Mapping[Key, int]) -> OperationWaits:
        idle_ns, busy_ns = self._sums[operation]
        return OperationWaits(
            idle_ns,
            busy_ns,
            [
                (bucket, numbers[key], *times)
                for bucket, cell in sorted(self._cells[operation].items())
                for key, times in cell.items()
            ],
            [(numbers[key], *times) for key, times in self._parallel[operation].items()],
        )


def _add(cell: dict[Key, tuple[int, int]], charges: Sequence[Charge]) -> None:
    for key, idle_ns, busy_ns in charges:
        idle_then_ns, busy_then_ns = cell.get(key, (0, 0))
        cell[key] = idle_then_ns + idle_ns, busy_then_ns + busy_ns
