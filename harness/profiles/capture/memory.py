"""Memory profiles: run memray in a measured process of its own, and read its file by operation.

memray replaces the greenlet trace function without chaining: never track in a process that has the switch hook.
"""

import contextlib
import gc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from harness.errors import HarnessError, InvalidRunError
from harness.profiles.facts import MemoryFacts
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import (
    ENGINE_ROOT,
    OUTSIDE,
    engine_file,
    frame,
    frame_path,
    is_plumbing,
    marker_place,
    within,
)
from harness.profiles.stacks.marker import MARKER_PREFIX, operation_of
from harness.profiles.stacks.qualified import QualifiedNames
from harness.profiles.stacks.weighted import Stack

if TYPE_CHECKING:
    from memray import AllocationRecord, FileReader

_FREES = frozenset({1, 5, 15})  # memray.AllocatorType: PYMALLOC_FREE, FREE, MUNMAP. They have no stack.
_DRIVERS = frozenset(
    {
        engine_file("harness.processes.one_user"),
        engine_file("harness.processes.settling"),
        engine_file("harness.profiles.capture.memory"),
        engine_file("harness.exact.slot_tools"),
    }
)
"""Drivers of a tracked process: one of them is at the root of each stack of the driver's own thread."""
_LOOP = engine_file("harness.target.eventloop")
"""File that runs the loop of an asynchronous target: what the loop runs is the driver's only if the driver stands below it."""


class MemoryProfiler:
    """Tracks every allocation inside its `with` block into the file `output`, those of Python's own allocator included.

    Put it around a fixed list of requests, after a warm-up: garbage is collected before and after, so that
    equal requests give equal counts. Allocations take about four times as long. An existing file is replaced.
    With `follow_fork`, allocations of forks go to files beside it: see `memory_children`.

    Raises HarnessError if the file cannot be written, or another tracker is active in this process.
    """

    def __init__(self, output: Path, *, follow_fork: bool = False) -> None:
        import memray

        try:
            self._tracker = memray.Tracker(
                destination=memray.FileDestination(output, overwrite=True),
                native_traces=False,
                trace_python_allocators=True,
                follow_fork=follow_fork,
                file_format=memray.FileFormat.ALL_ALLOCATIONS,
            )
        except (OSError, RuntimeError) as error:
            raise _cannot_track(error, output) from error
        self._output = output

    def __enter__(self) -> Self:
        gc.collect()
        try:
            self._tracker.__enter__()
        except (OSError, RuntimeError) as error:
            raise _cannot_track(error, self._output) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Cycles that only wait for the collector are not leaks.
        gc.collect()
        self._tracker.__exit__(kind, error, trace)


class MemoryProfiles(NamedTuple):
    """The profiles of one file: `peak` holds everything, the others only operations.

    `leaks` are the bytes of these still held at the end, including caches.
    """

    allocations: Profile
    bytes: Profile
    peak: Profile
    leaks: Profile
    facts: MemoryFacts


def fold(memory_bin: Path, roots: Sequence[str] = ()) -> MemoryProfiles:
    """Return the profiles in memray's file, by operation; `roots` are the source folders that paths are relative to.

    Takes about 2 s for a million allocations. The file of a killed process is readable up to its death, so the
    file alone cannot show whether the process finished. Raises InvalidRunError if the file is missing or damaged.
    """
    names = _Frames((*roots, ENGINE_ROOT))
    with _reading(memory_bin) as reader:
        counts, sizes, blind = _allocated(reader, names)
        _, peak = _held(reader.get_high_watermark_allocation_records(merge_threads=True), names)
        _, leaked = _held(reader.get_leaked_allocation_records(merge_threads=True), names)
    outside = {stack: count for stack, count in counts.items() if stack[0] == OUTSIDE}
    facts = MemoryFacts(
        peak_bytes=sum(peak.values()),
        allocations=sum(counts.values()) - sum(outside.values()),
        allocated_bytes=sum(size for stack, size in sizes.items() if stack not in outside),
        allocations_per_operation=_per_operation(counts),
        bytes_per_operation=_per_operation(sizes),
        outside_allocations=sum(outside.values()),
        outside_bytes=sum(size for stack, size in sizes.items() if stack in outside),
        leaked_bytes=sum(leaked.values()),
        leaked_bytes_within=sum(_per_operation(leaked).values()),
        elsewhere_allocations=blind
        + sum(count for stack, count in outside.items() if stack in names.elsewhere),
    )
    return MemoryProfiles(
        Profile("allocations", _within(counts), names.lines(counts)),
        Profile("bytes", _within(sizes), names.lines(sizes)),
        Profile("bytes", peak, names.lines(peak)),
        Profile("bytes", _within(leaked), names.lines(leaked)),
        facts,
    )


def fold_whole(memory_bin: Path, roots: Sequence[str] = ()) -> tuple[Profile, Profile, int]:
    """Return allocations and bytes of all stacks in memray's file, including `(outside)`, and the bytes of the peak.

    Raises `InvalidRunError` as `fold` does.
    """
    names = _Frames((*roots, ENGINE_ROOT))
    with _reading(memory_bin) as reader:
        counts, sizes, _ = _allocated(reader, names)
        peak = sum(one.size for one in reader.get_high_watermark_allocation_records(merge_threads=True))
    lines = names.lines(counts)
    return Profile("allocations", counts, lines), Profile("bytes", sizes, lines), peak


@contextlib.contextmanager
def _reading(memory_bin: Path) -> "Iterator[FileReader]":
    import memray

    try:
        with memray.FileReader(memory_bin) as reader:
            yield reader
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidRunError(
            f"The memory profile cannot be read: {error}",
            where=str(memory_bin),
            remedy="The process that wrote it was probably killed; run the scenario with --profile memory again",
        ) from error


def _allocated(reader: "FileReader", names: "_Frames") -> tuple[Counter[Stack], Counter[Stack], int]:
    """Return number and bytes of all allocations by stack, and the number from threads that never ran Python."""
    blind: Counter[int] = Counter()
    runs_python: set[int] = set()

    # `metadata.total_allocations` counts frees too; `stack_trace()` costs 2 us, so ask once for each stack.
    def allocations() -> "Iterator[AllocationRecord]":
        for record in reader.get_allocation_records():
            if record.allocator not in _FREES:
                # The start of a Python thread allocates before it has a stack.
                if record.stack_id:
                    runs_python.add(record.tid)
                else:
                    blind[record.tid] += record.n_allocations
                yield record

    counts, sizes = _held(allocations(), names)
    return counts, sizes, sum(count for thread, count in blind.items() if thread not in runs_python)


def _held(records: "Iterable[AllocationRecord]", names: "_Frames") -> tuple[Counter[Stack], Counter[Stack]]:
    """Return number and bytes of records by stack. Stack ids are valid only within one pass over the file."""
    counts: dict[int, int] = defaultdict(int)
    sizes: dict[int, int] = defaultdict(int)
    stacks: dict[int, Stack] = {}
    for record in records:
        stack_id = record.stack_id
        if stack_id not in stacks:
            stacks[stack_id] = names.stack(record.stack_trace())
        counts[stack_id] += record.n_allocations
        sizes[stack_id] += record.size
    by_stack: tuple[Counter[Stack], Counter[Stack]] = (Counter(), Counter())
    for stack_id, stack in stacks.items():
        by_stack[0][stack] += counts[stack_id]
        by_stack[1][stack] += sizes[stack_id]
    return by_stack


class _Frames:
    """Keys of memray's frames, with the line at which each was first seen."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = roots
        self._qualified = QualifiedNames()
        self._keys: dict[tuple[str, str, int], str] = {}
        self.elsewhere: set[Stack] = set()
        """Stacks outside of operations that contain code of the target and no driver."""
        self._lines: dict[str, int] = {}

    def stack(self, trace: Sequence[tuple[str, str, int]]) -> Stack:
        """Return the stack under its operation, or under `(outside)`; `trace` has the leaf first."""
        names = [self._key(*element) for element in reversed(trace)]
        start = marker_place(names)
        if start is None:
            outside = (OUTSIDE, *names)
            if self._is_elsewhere(names, trace):
                self.elsewhere.add(outside)
            return outside
        return within(names, start)

    @staticmethod
    def _is_elsewhere(names: Sequence[str], trace: Sequence[tuple[str, str, int]]) -> bool:
        paths = [frame_path(name) for name in names]
        begins = max((place + 1 for place, path in enumerate(paths) if path == _LOOP), default=0)
        inside = trace[: len(trace) - begins]
        return not _DRIVERS.intersection(paths[begins:]) and not all(
            is_plumbing(path) for _, path, _ in inside
        )

    def lines(self, stacks: Iterable[Stack]) -> dict[str, int]:
        """Return the lines of the frames in `stacks`."""
        return {name: self._lines[name] for stack in stacks for name in stack if name in self._lines}

    def _key(self, function: str, path: str, line: int) -> str:
        element = (function, path, line)
        if element not in self._keys:
            self._keys[element] = self._make_key(*element)
        return self._keys[element]

    def _make_key(self, function: str, path: str, line: int) -> str:
        operation = operation_of(function)
        if operation is not None:
            return MARKER_PREFIX + operation
        key = frame(self._qualified.find(function, path, line), path, self._roots)
        self._lines.setdefault(key, line)
        return key


def _per_operation(stacks: Mapping[Stack, int]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for stack, weight in _within(stacks).items():
        sums[stack[0].removeprefix(MARKER_PREFIX)] += weight
    return dict(sums)


def _within(stacks: Mapping[Stack, int]) -> dict[Stack, int]:
    return {stack: weight for stack, weight in stacks.items() if stack[0] != OUTSIDE}


def _cannot_track(error: Exception, output: Path) -> HarnessError:
    return HarnessError(
        f"Memory cannot be tracked: {error}",
        where=str(output),
        remedy="Free some disk space or choose another --out, and run no other memory profiler in this process",
    )
