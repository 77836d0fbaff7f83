"""Assemble the watches of a target within its process, for any driver of calls.

An `Instrument` belongs to a process and its target; a `Measurement` is one test under it. The driver makes the split if it
has greenlets, supplies the current greenlet or task, and begins and ends a test. Without greenlets everything but the
split is the same. This module does not import gevent.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from harness.clock import SystemClock
from harness.load.calling import Calling, Work
from harness.load.children import ChildWatch
from harness.load.current_call import make_here
from harness.load.facts import Watches, at_end
from harness.load.garbage import GarbageWatch
from harness.load.run_delay import RunDelay
from harness.load.sampling import Sampler
from harness.load.tracing import make_traced
from harness.load.waits import Codes, Waits, codes_of_frames
from harness.profiles.capture.wait import WAITS
from harness.profiles.stacks.marker import marked, marked_async
from harness.run.directory import RunDirectory, write_atomically
from harness.run.facts import LoadFacts
from harness.supervise import private_folder
from harness.table.heldby import HeldBy
from harness.table.recorder import Recorder
from harness.target.carrying import Carrier
from harness.target.counters import Counters
from harness.target.failures import Failures
from harness.target.invoke import Vet
from harness.target.journey_ends import JourneyFacts
from harness.target.loading import LoadedTarget, open_target

if TYPE_CHECKING:
    from harness.load.owner import Owner
    from harness.load.stretches import Stretches


class Instrument:
    """The watches of one process and its target, used for one measurement after the other.

    `split` is None if service is not split. `current` returns the running greenlet or task, the key of `owners`.
    `collects_waits` has no effect without a split; `codes` reads the stack of a greenlet or task that waits.
    `traced_by` is the seed of the headers of calls that get one. Raises `UsageError` if the target takes no header.
    """

    def __init__(
        self,
        target: LoadedTarget,
        carrier: Carrier,
        *,
        split: "Stretches | None",
        current: Callable[[], object],
        collects_waits: bool = True,
        codes: Codes = codes_of_frames,
        traced_by: int | None = None,
    ) -> None:
        self.target = target
        if split:
            split.is_remote = target.is_remote
        self.alive: Mapping[str, Callable[[], int]] = {}
        """Functions that count the greenlets or tasks that exist, by name; the driver sets it."""
        self.split = split
        self.owners: dict[object, Owner] = split.owners if split else {}
        self.names: list[str] = list(target.operations)
        """Names of the operations that are called, by number."""
        self.children = ChildWatch(carrier, SystemClock.now_ns)
        self._carrier = carrier
        self._collects_waits = collects_waits
        self._codes = codes
        self._traced = None if traced_by is None else make_traced(target, traced_by)
        carrier.here = make_here(self.owners, self.names, split, current)

    def open(self) -> None:
        """Hook into the target's executors and open it. Raises `TargetError`."""
        self.target.instrument(self._carrier.bind)
        open_target(self.target)

    def choose(self, operations: Mapping[str, float]) -> None:
        """Call these operations from now on, numbered in this order."""
        self.names[:] = operations
        if self.split:
            self.split.expect(len(self.names))

    def make_waits(self) -> Waits | None:
        """Return a collector for the waiting of one test; None if waiting is not collected."""
        if self.split is None or not self._collects_waits:
            return None
        markers = [call.__code__ for call in self._marked()]
        return Waits(self.split, markers, SystemClock.now_ns, codes=self._codes)

    def _marked(self) -> list[Any]:
        """Return the target's call under the marker of each operation."""
        mark = marked_async if self.target.is_async else marked
        return [mark(self.target.call, name) for name in self.names]

    def make_work(
        self, events: Sequence[Sequence[Any]], timeouts: tuple[type[BaseException], ...], vet: Vet
    ) -> Work:
        """Return the callable operations; `events` are by operation."""
        return Work(
            list(self.names),
            self._marked(),
            events,
            SystemClock.now_ns,
            self.target.judge,
            timeouts,
            vet=vet,
            traced=self._traced,
        )


class Measurement:
    """One test: its files in `folder`, its watches and its facts. As a context manager it closes the files.

    `rows` is the number of rows of the table that are planned already. Raises `HarnessError` if the disk is full.
    """

    def __init__(self, instrument: Instrument, folder: Path, rows: int = 0) -> None:
        self.instrument = instrument
        self._folder = folder
        self._rows = rows
        self._resources = contextlib.ExitStack()
        self._cells: HeldBy | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as kept:
            self._begin(kept)
            self._resources = kept.pop_all()
        return self

    def _begin(self, kept: contextlib.ExitStack) -> None:
        instrument, split = self.instrument, self.instrument.split
        self.recorder = kept.enter_context(Recorder(self._folder / RunDirectory.CALLS, self._rows))
        self._open_cells(kept)
        self._waits = instrument.make_waits()
        if split:
            # Earlier holds belong to no test: measuring the overhead made them.
            split.expect(len(instrument.names))
            split.waits = self._waits
        self.delay = RunDelay()
        kept.callback(self.delay.close)
        self.sampler = kept.enter_context(Sampler(self._folder, instrument.alive))
        self._garbage = GarbageWatch(split.collected if split else None)
        self._counters = Counters(instrument.target)

    def _open_cells(self, kept: contextlib.ExitStack) -> None:
        if self.instrument.split is None:
            self._cells = None
            return
        with contextlib.ExitStack() as scratch:
            # The folder of a test that is recorded elsewhere was removed at once.
            folder = self._folder if self._folder.exists() else scratch.enter_context(private_folder())
            path = folder / RunDirectory.HELD_BY
            # A new file each time: calls that are in flight still add to the one before.
            path.unlink(missing_ok=True)
            self._cells = HeldBy(path, len(self.instrument.names))
        kept.callback(self._cells.close)

    def restart(self) -> None:
        """Forget what was collected so far; calls made with the `calling` of before add nothing to what follows."""
        self._open_cells(self._resources)
        self._waits = self.instrument.make_waits()
        if self.instrument.split:
            self.instrument.split.waits = self._waits
        self._garbage.collections = self._garbage.spent_ns = 0
        self._counters = Counters(self.instrument.target)

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    def calling(self, work: Work, origin_ns: int) -> Calling:
        """Return the objects that every call needs. Reasons of failures are those of this test alone."""
        instrument = self.instrument
        work = dataclasses.replace(work, failures=Failures(), spent=[0])
        self._watches = Watches(
            work, instrument.split, self._garbage, self.delay, self._counters, instrument.children
        )
        return Calling(work, self.recorder, origin_ns, instrument.split, instrument.owners, self._cells)

    @contextlib.contextmanager
    def watching(self, *, pauses: bool) -> Iterator[None]:
        """Watch the loop during the block. `pauses` is True if callers pause and then ask what held the loop since."""
        split = self.instrument.split
        with self._garbage:
            if not split:
                yield
                return
            split.watch_processor(self.delay)
            if pauses:
                split.watch(0)
            split.start()
            try:
                yield
            finally:
                split.stop()

    def begin(self) -> None:
        """Begin the measured time: counters of the target and resources of child processes count from now."""
        self._counters.read()
        self.instrument.children.begin()

    @property
    def held_by(self) -> bytes:
        """Return what blocked the event loop, in the format of the file; empty without a split."""
        return self._cells.content if self._cells else b""

    @property
    def waits(self) -> bytes:
        """Return the stacks on which calls waited, in the format of the file; empty if they were not collected."""
        return self._waits.record(self.instrument.names).pack() if self._waits else b""

    def write_waits(self) -> None:
        """Write the waits beside the table of calls, if they were collected."""
        if self._waits:
            write_atomically(self._folder / WAITS, self.waits)

    def end(
        self,
        facts: LoadFacts,
        *,
        ended_ns: int,
        in_flight_peak: int,
        stopped: str | None,
        journeys: JourneyFacts | None = None,
    ) -> LoadFacts:
        """Return the facts of the whole test after the last call; `ended_ns` is the end of the measured time."""
        facts = msgspec.structs.replace(facts, journeys=journeys, is_remote=self.instrument.target.is_remote)
        return at_end(facts, self._watches, ended_ns=ended_ns, in_flight_peak=in_flight_peak, stopped=stopped)
