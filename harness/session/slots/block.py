"""Measure one block: slots of both sides (and of the base once more) run together and time slices in random order."""

import contextlib
import dataclasses
import os
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.session.receipt import NULL_CONTROL, Benchmark, Block, Concurrency, Phase, Side
from harness.session.slots.launch import Bench, Home, Launch, Limits, slot_environment
from harness.session.slots.record import Record
from harness.session.slots.room import taken_share
from harness.session.slots.sizing import IDLE_S, LEAST_SENTINELS, SentinelPlan
from harness.session.slots.slot import ForeignCodeError, start_slot
from harness.session.slots.turns import Turns, measure_series
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

    def code_of(self, side: str) -> list[str]:
        """Return the folders with a side's code and with the suite, which each side sees in one of its own."""
        home = self.homes[side]
        return [str(home.overlay), str(self.bench.home_of(home))]


@dataclasses.dataclass(frozen=True, slots=True)
class Draw:
    """The random choices for a block, drawn before it starts."""

    cpu: int
    spawned: tuple[str, ...]
    order: tuple[str, ...]
    hash_seed: int
    padding_bytes: int
    ballast: tuple[int, ...]
    seed: int
    """Seed of the events of a target, in all slots of the block."""


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

    The benchmark of the null control comes first. The third slot runs no other one, so that only then both of the base's
    slots have done the same before, and are exchangeable.
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
        seed=rng.randrange(2**32),
    )


def run_block(stage: Stage, request: BlockRequest) -> Block:
    """Measure one block. A slot that dies or hangs makes a block with `trouble`, never an error.

    Raises ForeignCodeError if a side loads foreign code: no block of the session would be reliable then.
    """
    rng = random.Random(request.seed)
    drawn = draw(request, rng, sorted(os.sched_getaffinity(0)))
    started_unix_s, start_s = time.time(), time.monotonic()
    record = Record()
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
        import_cpu_ns=record.import_cpu_ns,
        first_calls={} if trouble else record.first_calls,
        calls={} if trouble else record.calls,
        idle_cpu={} if trouble else record.idle_cpu,
        beside=record.beside,
        started_unix_s=started_unix_s,
        seconds=time.monotonic() - start_s,
        trouble=trouble,
        failed=record.failed,
        crowded=record.crowded,
        order=list(drawn.order),
        hash_seed=drawn.hash_seed,
        padding_bytes=drawn.padding_bytes,
        fixed_layout=record.fixed_layout,
    )


class _Measuring:
    """The slots of one block, from start to end."""

    def __init__(
        self,
        stage: Stage,
        request: BlockRequest,
        drawn: Draw,
        rng: random.Random,
        record: Record,
        stack: contextlib.ExitStack,
    ) -> None:
        self._stage, self._drawn, self._rng, self._record, self._stack = stage, drawn, rng, record, stack
        self._benchmarks = {benchmark.name: benchmark for benchmark in request.benchmarks}
        self._null = self._benchmarks.get(NULL_CONTROL)
        self._alone = alone = {
            one.of or one.name for one in request.benchmarks if one.concurrency is not Concurrency.NONE
        }
        self._turns = Turns(alone=bool(alone))
        self._cpus = {name: _cpus(drawn, is_alone=name in alone) for name in drawn.order}
        self._sentinel = SentinelPlan(len(drawn.order), is_alone=bool(alone))
        self._looks = 0
        self._cpus_of: dict[str, frozenset[int]] = {}
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
                self._measure(name, sides)
        self._last_looks()
        for side in self._drawn.spawned:
            self._move_on(side)
            self._turns.of(side).finish()
        self._record.require_room(self._alone)

    def _order(self, side: str) -> list[str]:
        """Return the benchmarks of a slot. Base and candidate run the same ones, to stay exchangeable."""
        null_of = self._null.of if self._null else None
        return [name for name in self._drawn.order if side != NULL or name == null_of]

    def _start(self) -> None:
        # All files in every block: the import time of a side is a metric too, and must not depend on the choice.
        files = self._stage.bench.files
        warm = {one.of or one.name: one.warm_calls for one in self._benchmarks.values()}
        # The import of a library decides how many threads it will have, by the CPUs that it sees.
        cpu = None if self._turns.alone else self._drawn.cpu
        launches = {
            side: Launch(
                files,
                self._orders[side],
                cpu,
                self._drawn.hash_seed,
                ballast=self._drawn.ballast,
                warm=warm,
                spin=self._stage.spin.get(side, {}),
                seed=self._drawn.seed,
            )
            for side in self._drawn.spawned
        }
        padding = equal_padding(self._stage.homes, launches, self._drawn.padding_bytes)
        layouts = []
        for side, launch in launches.items():
            self._turns.pause()
            padded = dataclasses.replace(launch, padding_bytes=padding[side])
            home = self._stage.homes[side]
            slot = start_slot(
                self._stage.supervisor, home, self._stage.bench, padded, self._stage.log, self._stage.limits
            )
            self._turns.add(side, self._stack.enter_context(slot))
            self._record.collected(side, slot.collect())
            layouts.append(slot.has_fixed_layout())
        self._record.fixed_layout = all(layouts)

    def _enter(self, side: str, name: str) -> bool:
        self._move_on(side, name)
        message = self._turns.of(side).enter(name)
        if message.kind == "ready":
            self._serving[side] = name
            self._record.ready(side, message, is_null=self._is_null(name))
            return True
        self._record.fail(name, side, message.error or "it did not call the benchmark fixture")
        return False

    def _move_on(self, side: str, following: str | None = None) -> None:
        served, slot = self._serving.pop(side, ""), self._turns.of(side)
        cpus = self._cpus[following] if following and self._turns.alone else None
        if cpus and cpus != self._cpus_of.get(side, _cpus(self._drawn, is_alone=True)):
            slot.use_cpus(cpus)
            self._cpus_of[side] = cpus
        ended = slot.move_on()
        if ended is not None:
            self._record.done(served, side, ended)

    def _is_null(self, name: str) -> bool:
        return self._null is not None and self._null.of == name

    def _sentinels(self, sides: Sequence[str]) -> None:
        if self._turns.alone and self._looks % self._sentinel.look_every == 0:
            self._turns.pause()
            self._record.taken.append(taken_share(IDLE_S))
        self._looks += 1
        for side in sides:
            self._record.sentinels[side].append(self._turns.of(side).sentinel_ns(self._sentinel.loops))

    def _measure(self, name: str, sides: Sequence[str]) -> None:
        """Time a benchmark in all slots that run it: in the same series, so that all of them make the same calls."""
        benchmark = self._benchmarks.get(name) or self._null
        assert benchmark is not None  # noqa: S101 - the order holds these benchmarks only
        parts = self._sentinel.per_series(alone_in_its_slot=self._is_null(name))
        series = measure_series(
            self._turns, sides, benchmark, self._rng, parts, lambda: self._sentinels(sides)
        )
        if name in self._benchmarks:
            self._record.slices[name] = series.against(Side.BASE, Side.CANDIDATE)
        if self._is_null(name):
            self._record.slices[NULL_CONTROL] = series.against(Side.BASE, NULL)

    def _last_looks(self) -> None:
        """Read the sentinel once more, and the CPU time of slots at rest where some do not rest."""
        sides = [side for side in self._drawn.spawned if self._serving.get(side)]
        self._sentinels(sides)
        for side in sides:
            while len(self._record.sentinels[side]) < LEAST_SENTINELS:
                self._sentinels([side])
        if self._turns.alone and {Side.BASE, Side.CANDIDATE} <= set(sides):
            self._record.idle_cpu = {
                str(side): self._turns.of(side).idle_share(IDLE_S) for side in (Side.BASE, Side.CANDIDATE)
            }


def _cpus(drawn: Draw, *, is_alone: bool) -> frozenset[int]:
    """Return the CPUs of a benchmark: all of the session where it works beside its thread, else the drawn one."""
    return frozenset(os.sched_getaffinity(0) if is_alone else {drawn.cpu})


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
