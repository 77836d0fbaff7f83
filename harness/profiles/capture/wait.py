"""Make wait profiles: the stacks on which calls waited, with the nanoseconds waited on each, by operation.

The measured process writes a `WaitRecord` (`timing/waits.json`); `fold` makes profiles of it. The waiting of the calls
themselves adds up to `wait_busy_ns` and `wait_idle_ns` of the table of calls, to the nanosecond. Waiting of greenlets
that calls started is a profile of its own, in greenlet time: several wait at once, while the call waits for them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.errors import InvalidRunError
from harness.profiles.facts import WaitFacts
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import ADAPTERS, ENGINE_ROOT, frame, frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.profiles.stacks.weighted import Stack
from harness.storage import files

WAITS = "waits.json"
"""Record of one process, beside its table of calls."""

IDLE, BUSY = "(loop idle)", "(loop busy)"
"""The frames that divide an operation's waiting: I/O wait (the loop was free), or event loop blocked (by other code)."""
SHORT = "(short waits)"
"""Frame for waiting in stretches too short for reading a stack."""
DEEPER = "(more callers)"
UNTOLD = -1
"""Stands for the number of a stack where none was read."""

# Functions of the loop itself and of its library are on every stack that waits: their caller is the function that waited.
_LOOP = ("gevent/", "src/gevent/", "asyncio/")


class OperationWaits(msgspec.Struct, frozen=True):
    """The waiting of one operation over the calls of the measured time that returned.

    `cells` holds (latency bucket of the call, number of the stack, idle ns, busy ns); `parallel` (stack, idle, busy) of
    greenlets that the calls started.
    """

    idle_ns: int
    busy_ns: int
    cells: list[tuple[int, int, int, int]]
    parallel: list[tuple[int, int, int]] = []


class WaitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The waiting recorded in one measured process: `stacks` are numbers of `frames`, the root first.

    A frame is (qualified name, file, first line). `reads` stacks of `read_frames` frames together were read, in `spent_ns`.
    """

    frames: list[tuple[str, str, int]]
    stacks: list[list[int]]
    operations: dict[str, OperationWaits]
    least_ns: int
    reads: int
    read_frames: int
    spent_ns: int

    def pack(self) -> bytes:
        """Return the contents of the file `WAITS`."""
        return msgspec.json.encode(self)


class ByLatency(msgspec.Struct, frozen=True):
    """Waiting functions by latency of the call: by operation (latency bucket, number of the frame, idle ns, busy ns).

    `frames` are keys of the waiting frames, the leaves of the stacks.
    """

    frames: list[str]
    operations: dict[str, list[tuple[int, int, int, int]]]

    def of(self, operation: str, shares: Mapping[int, float]) -> tuple[dict[str, float], dict[str, float]]:
        """Return (idle, busy) ns by frame over some calls of an operation.

        `shares` gives for each latency bucket the fraction of its calls to include; the calls of one bucket count alike.
        """
        found: tuple[dict[str, float], dict[str, float]] = defaultdict(float), defaultdict(float)
        for bucket, frame_number, *times in self.operations.get(operation, ()):
            share = shares.get(bucket, 0.0)
            for into, time_ns in zip(found, times, strict=True):
                if share and time_ns:
                    into[self.frames[frame_number]] += share * time_ns
        return found


class WaitProfiles(NamedTuple):
    """`waiting` of the calls, by operation, then `IDLE` or `BUSY`; `parallel` of greenlets that they started."""

    waiting: Profile
    parallel: Profile
    by_latency: ByLatency
    facts: WaitFacts
    processes: int
    """Number of processes that left a record."""


def bucket_of(response_ns: int) -> int:
    """Return the latency bucket of a call: 8 for each power of two; sixteen buckets of `harness.table.histogram` make one."""
    shift = max(response_ns.bit_length() - 8, 0)
    return ((shift << 7) + (response_ns >> shift)) >> BUCKET_SHIFT


BUCKET_SHIFT = 4
"""Bits to shift a bucket of `harness.table.histogram` by, to get the bucket of the same value here."""


def read(timing: Path) -> list[WaitRecord]:
    """Return the records of a run, one for each process; empty where none was kept or the process was killed.

    Raises `InvalidRunError` for a damaged one.
    """
    places = [timing / WAITS, *sorted(timing.glob(f"worker-*/{WAITS}"))]
    return [_decode(path) for path in places if path.exists()]


def _decode(path: Path) -> WaitRecord:
    try:
        record = msgspec.json.decode(files.read_bytes(path), type=WaitRecord)
        _check(record)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidRunError(
            f"The record of waiting is damaged: {error}",
            where=str(path),
            remedy="Only the wait profile depends on it; run the scenario again to have one",
        ) from error
    return record


def _check(record: WaitRecord) -> None:
    """Raise an error for values that no process writes."""
    if any(not 0 <= number < len(record.frames) for stack in record.stacks for number in stack):
        raise ValueError("a stack names a frame that does not exist")
    for waits in record.operations.values():
        rows = [*(cell[1:] for cell in waits.cells), *waits.parallel]
        if any(not UNTOLD <= stack < len(record.stacks) or min(times) < 0 for stack, *times in rows):
            raise ValueError("a row names a stack that does not exist, or a time below 0")


def fold(records: Sequence[WaitRecord], roots: Sequence[str] = ()) -> WaitProfiles:
    """Return the profiles of all records together; `roots` are the source folders that paths are relative to."""
    waiting: dict[Stack, float] = defaultdict(int)
    parallel: dict[Stack, float] = defaultdict(int)
    leaves: dict[str, dict[tuple[int, str], list[int]]] = {}
    lines: dict[str, int] = {}
    for record in records:
        names = _Stacks(record, roots)
        lines |= names.lines
        for operation, waits in record.operations.items():
            root = MARKER_PREFIX + operation
            _gather(leaves.setdefault(operation, {}), waits, names.stacks)
            for stack, idle_ns, busy_ns in [*(cell[1:] for cell in waits.cells), _rest(waits)]:
                _add(waiting, root, names.stacks[stack], idle_ns, busy_ns)
            for stack, idle_ns, busy_ns in waits.parallel:
                _add(parallel, root, names.stacks[stack], idle_ns, busy_ns)
    return WaitProfiles(
        Profile("ns", dict(waiting), lines),
        Profile("ns", dict(parallel), lines),
        _by_latency(leaves),
        _facts(records, waiting),
        len(records),
    )


def read_by_latency(path: Path) -> ByLatency | None:
    """Return the waiting by latency; None if it is missing or damaged."""
    try:
        found = msgspec.json.decode(files.read_bytes(path), type=ByLatency)
    except (OSError, ValueError, RecursionError):
        return None
    rows = [row for rows in found.operations.values() for row in rows]
    return found if all(0 <= row[1] < len(found.frames) and min(row[2:]) >= 0 for row in rows) else None


def _gather(into: dict[tuple[int, str], list[int]], waits: OperationWaits, stacks: Sequence[Stack]) -> None:
    for bucket, stack, idle_ns, busy_ns in waits.cells:
        sums = into.setdefault((bucket, stacks[stack][-1]), [0, 0])
        sums[0] += idle_ns
        sums[1] += busy_ns


def _by_latency(leaves: Mapping[str, Mapping[tuple[int, str], Sequence[int]]]) -> ByLatency:
    frames = list(dict.fromkeys(name for rows in leaves.values() for _, name in rows))
    places = {name: place for place, name in enumerate(frames)}
    return ByLatency(
        frames,
        {
            operation: [(bucket, places[name], idle, busy) for (bucket, name), (idle, busy) in rows.items()]
            for operation, rows in leaves.items()
        },
    )


class _Stacks:
    """The stacks of one record under their keys, without marker, driver and event loop; UNTOLD is the last."""

    def __init__(self, record: WaitRecord, roots: Sequence[str]) -> None:
        every = (*roots, ENGINE_ROOT)
        keys = [frame(name, path, every) for name, path, _ in record.frames]
        self.lines = {
            key: line
            for key, (name, _, line) in zip(keys, record.frames, strict=True)
            if not name.startswith(MARKER_PREFIX)
        }
        is_marker = [name.startswith(MARKER_PREFIX) for name, _, _ in record.frames]
        self.stacks = [_own_frames(stack, keys, is_marker) for stack in record.stacks]
        self.stacks.append((SHORT,))


def _own_frames(stack: Sequence[int], keys: Sequence[str], is_marker: Sequence[bool]) -> Stack:
    start = next((place for place, number in enumerate(stack) if is_marker[number]), None)
    below = [keys[number] for number in stack[(start or 0) :] if not is_marker[number]]
    own = [name for name in below if frame_path(name) not in ADAPTERS]
    end = len(own)
    while end > 1 and own[end - 1].rpartition(" (")[2].startswith(_LOOP):
        end -= 1
    return (*(() if start is not None else (DEEPER,)), *own[:end]) or (SHORT,)


def _rest(waits: OperationWaits) -> tuple[int, int, int]:
    """Return the waiting of calls that is on no stack."""
    idle_ns = waits.idle_ns - sum(cell[2] for cell in waits.cells)
    busy_ns = waits.busy_ns - sum(cell[3] for cell in waits.cells)
    return UNTOLD, idle_ns, busy_ns


def _add(into: dict[Stack, float], root: str, stack: Stack, idle_ns: float, busy_ns: float) -> None:
    for kind, time_ns in ((IDLE, idle_ns), (BUSY, busy_ns)):
        if time_ns:
            into[(root, kind, *stack)] += time_ns


def _facts(records: Sequence[WaitRecord], waiting: Mapping[Stack, float]) -> WaitFacts:
    every = [waits for record in records for waits in record.operations.values()]
    reads = sum(record.reads for record in records)
    spent_ns = sum(record.spent_ns for record in records)
    return WaitFacts(
        waited_idle_s=_sum(waits.idle_ns for waits in every) / 1e9,
        waited_busy_s=_sum(waits.busy_ns for waits in every) / 1e9,
        on_no_stack_s=_sum(weight for stack, weight in waiting.items() if stack[-1] == SHORT) / 1e9,
        stacks_read=reads,
        frames_per_stack=sum(record.read_frames for record in records) / max(reads, 1),
        reading_one_ns=spent_ns / max(reads, 1),
        reading_all_s=spent_ns / 1e9,
        least_waited_per_stack_ns=max((record.least_ns for record in records), default=0),
    )


def _sum(values: Iterable[float]) -> float:
    return sum(values)
