"""Measure one block: slots of both sides (and of the base once more) run together and time slices in random order."""

import contextlib
import dataclasses
import os
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.session.receipt import NULL_CONTROL, Benchmark, Block, Phase, Sentinel, Side, Slices
from harness.session.slots.launch import Bench, Home, Launch, Limits, slot_environment
from harness.session.slots.slot import ForeignCodeError, Slot, start_slot
from harness.supervise import Supervisor

NULL = "null"
"""Name of the third slot: the base's code once more, from another folder."""
MOST_PADDING_BYTES = 4096
MOST_BALLAST = 64
BALLAST_SIZES = 30
Spin = Mapping[str, Mapping[str, tuple[int, int]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """The environment that all blocks of a session share. `files` maps each benchmark to its file."""

    supervisor: Supervisor
    bench: Bench
    homes: Mapping[str, Home]
    files: Mapping[str, str]
    log: Path
    limits: Limits = dataclasses.field(default_factory=Limits)
    spin: Spin = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Draw:
    """The random choices for a block, drawn before it starts."""

    cpu: int
    spawned: tuple[str, ...]
    order: tuple[str, ...]
    hash_seed: int
    padding_bytes: int
    ballast: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class BlockRequest:
    """A block to make: its benchmarks (including the null control), and its random seed."""

    number: int
    phase: Phase
    seed: int
    benchmarks: Sequence[Benchmark]
    swapped: bool = False


def draw(request: BlockRequest, rng: random.Random, cpus: Sequence[int]) -> Draw:
    """Draw the CPU, the orders, the hash seed, and the shifts of stack and heap.

    The benchmark of the null control comes first: both of the base's slots are fresh then, and exchangeable.
    """
    null_of = [benchmark.of for benchmark in request.benchmarks if benchmark.of is not None]
    others = [mark.name for mark in request.benchmarks if mark.of is None and mark.name not in null_of]
    rng.shuffle(others)
    sides = [str(Side.BASE), str(Side.CANDIDATE), *([NULL] if null_of else [])]
    rng.shuffle(sides)
    return Draw(
        cpu=rng.choice(cpus),
        spawned=tuple(sides),
        order=(*null_of, *others),
        hash_seed=rng.randrange(2**32),
        padding_bytes=rng.randrange(MOST_PADDING_BYTES),
        ballast=tuple(rng.randrange(MOST_BALLAST) for _ in range(BALLAST_SIZES)),
    )


def run_block(stage: Stage, request: BlockRequest) -> Block:
    """Measure one block. A slot that dies or hangs makes a block with `trouble`, never an error.

    Raises ForeignCodeError if a side loads foreign code: no block of the session would be reliable then.
    """
    rng = random.Random(request.seed)
    drawn = draw(request, rng, sorted(os.sched_getaffinity(0)))
    started_unix_s, start_s = time.time(), time.monotonic()
    record = _Record()
    trouble = None
    try:
        with contextlib.ExitStack() as stack:
            _Measuring(stage, request, drawn, rng, record, stack).run()
        trouble = record.nothing()
    except ForeignCodeError:
        raise
    except HarnessError as error:
        trouble = str(error)
    return Block(
        number=request.number,
        phase=request.phase,
        seed=request.seed,
        cpu=drawn.cpu,
        spawned=list(drawn.spawned),
        swapped=request.swapped,
        slices={} if trouble else record.slices,
        sentinel=None if trouble else record.sentinel(),
        import_ns=record.import_ns,
        started_unix_s=started_unix_s,
        seconds=time.monotonic() - start_s,
        trouble=trouble,
        failed=record.failed,
        order=list(drawn.order),
        hash_seed=drawn.hash_seed,
        padding_bytes=drawn.padding_bytes,
        fixed_layout=record.fixed_layout,
    )


class _Record:
    """The measurements of a block so far."""

    def __init__(self) -> None:
        self.slices: dict[str, Slices] = {}
        self.failed: dict[str, str] = {}
        self.import_ns: dict[str, int] = {}
        self.fixed_layout = False
        self.sentinels: dict[str, list[int]] = {Side.BASE: [], Side.CANDIDATE: [], NULL: []}

    def fail(self, name: str, side: str, why: str) -> None:
        """Record a failure of a benchmark on one side; it then counts as measured on neither side."""
        self.failed.setdefault(name, f"{side}: {why}")
        self.slices.pop(name, None)

    def nothing(self) -> str | None:
        """Return the reasons why the block measured nothing; None if it measured something."""
        if self.slices:
            return None
        return "; ".join(f"{name}: {why}" for name, why in self.failed.items())

    def sentinel(self) -> Sentinel:
        """Return the sentinel of all slots."""
        return Sentinel(
            base_ns=self.sentinels[Side.BASE],
            candidate_ns=self.sentinels[Side.CANDIDATE],
            null_ns=self.sentinels[NULL],
        )


class _Measuring:
    """The slots of one block, from start to end."""

    def __init__(
        self,
        stage: Stage,
        request: BlockRequest,
        drawn: Draw,
        rng: random.Random,
        record: _Record,
        stack: contextlib.ExitStack,
    ) -> None:
        self._stage, self._drawn, self._rng, self._record, self._stack = stage, drawn, rng, record, stack
        self._benchmarks = {benchmark.name: benchmark for benchmark in request.benchmarks}
        self._null = self._benchmarks.get(NULL_CONTROL)
        self._slots: dict[str, Slot] = {}
        self._serving: dict[str, str] = {}
        self._orders = {side: self._order(side) for side in drawn.spawned}

    def run(self) -> None:
        """Start the slots, measure every benchmark, and let the slots end."""
        self._start()
        for name in self._drawn.order:
            sides = [side for side in self._drawn.spawned if name in self._orders[side]]
            self._rng.shuffle(sides)
            ready = [self._enter(side, name) for side in sides]
            if all(ready):
                self._sentinels(sides)
                self._measure(name)
        self._sentinels([side for side in self._slots if self._serving.get(side)])
        for side, slot in self._slots.items():
            self._move_on(side)
            slot.finish()

    def _order(self, side: str) -> list[str]:
        """Return the benchmarks of a slot. Base and candidate run the same ones, timed or not, to stay exchangeable."""
        null_of = self._null.of if self._null else None
        return [name for name in self._drawn.order if side != NULL or name == null_of]

    def _start(self) -> None:
        # All files in every block: the import time of a side is a metric too, and must not depend on the choice.
        files = (self._stage.bench.suite,)
        warm = {one.of or one.name: one.warm_calls for one in self._benchmarks.values()}
        launches = {
            side: Launch(
                files,
                self._orders[side],
                self._drawn.cpu,
                self._drawn.hash_seed,
                ballast=self._drawn.ballast,
                warm=warm,
                spin=self._stage.spin.get(side, {}),
            )
            for side in self._drawn.spawned
        }
        padding = equal_padding(self._stage.homes, launches, self._drawn.padding_bytes)
        for side, launch in launches.items():
            padded = dataclasses.replace(launch, padding_bytes=padding[side])
            home = self._stage.homes[side]
            slot = start_slot(
                self._stage.supervisor, home, self._stage.bench, padded, self._stage.log, self._stage.limits
            )
            self._slots[side] = self._stack.enter_context(slot)
            self._record.import_ns[side] = slot.collect().import_ns
        self._record.fixed_layout = all(slot.has_fixed_layout() for slot in self._slots.values())

    def _enter(self, side: str, name: str) -> bool:
        self._move_on(side)
        message = self._slots[side].enter(name)
        if message.kind == "ready":
            self._serving[side] = name
            return True
        self._record.fail(name, side, message.error or "it did not call the benchmark fixture")
        return False

    def _move_on(self, side: str) -> None:
        served = self._serving.pop(side, "")
        ended = self._slots[side].move_on()
        if ended is not None and ended.outcome != "passed":
            self._record.fail(served, side, ended.error)

    def _sentinels(self, sides: Sequence[str]) -> None:
        for side in sides:
            self._record.sentinels[side].append(self._slots[side].sentinel_ns())

    def _measure(self, name: str) -> None:
        series = []
        if name in self._benchmarks:
            series.append((self._benchmarks[name], str(Side.CANDIDATE)))
        if self._null and self._null.of == name:
            series.append((self._null, NULL))
        self._rng.shuffle(series)
        for benchmark, other in series:
            pair = (self._slots[Side.BASE], self._slots[other])
            self._record.slices[benchmark.name] = measure_pairs(pair, benchmark, self._rng)


def measure_pairs(slots: tuple[Slot, Slot], benchmark: Benchmark, rng: random.Random) -> Slices:
    """Time slices of both slots in pairs, each pair in random order, after one untimed slice of each."""
    for slot in slots:
        slot.begin()
        slot.slice_ns(benchmark.calls)
    firsts = [rng.randrange(2) for _ in range(benchmark.pairs)]
    wall_ns: tuple[list[int], list[int]] = ([], [])
    cpu_ns: tuple[list[int], list[int]] = ([], [])
    for first in firsts:
        for side in (first, 1 - first):
            wall, cpu = slots[side].slice_ns(benchmark.calls)
            wall_ns[side].append(wall)
            cpu_ns[side].append(cpu)
    return Slices(
        base_ns=wall_ns[0],
        candidate_ns=wall_ns[1],
        first=firsts,
        base_cpu_ns=cpu_ns[0],
        candidate_cpu_ns=cpu_ns[1],
    )


def equal_padding(
    homes: Mapping[str, Home], launches: Mapping[str, Launch], drawn_bytes: int
) -> dict[str, int]:
    """Return the padding of each side, in bytes, that makes all environments equally large."""
    sizes = {
        side: sum(
            len(os.fsencode(f"{name}={value}"))
            for name, value in slot_environment(homes[side], launch).items()
        )
        for side, launch in launches.items()
    }
    return {side: drawn_bytes + max(sizes.values()) - size for side, size in sizes.items()}
