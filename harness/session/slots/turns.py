"""Let the slots of a block take turns: time slices of all of them in random order, if need be with the others stopped."""

import dataclasses
import random
from collections.abc import Callable, Sequence

from harness.session.receipt import Benchmark, Concurrency, Slices
from harness.session.slots.slot import Slot


class Turns:
    """The slots of a block by name. With `alone`, only the one whose turn it is runs: all others are stopped."""

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self._slots: dict[str, Slot] = {}
        self._running: str | None = None

    def add(self, name: str, slot: Slot) -> None:
        """Add a slot that has just been started, after `pause`."""
        self._slots[name] = slot
        self._running = name

    def pause(self) -> None:
        """Stop the slot that runs alone."""
        if self.alone and self._running is not None:
            self._slots[self._running].stop()
            self._running = None

    def of(self, name: str) -> Slot:
        """Return a slot; it is its turn until another one is asked for."""
        if self.alone and self._running != name:
            self.pause()
            self._slots[name].resume()
            self._running = name
        return self._slots[name]


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One slice: its wall time, the CPU time of its thread, and that of all other threads and of children, in ns."""

    wall_ns: int
    cpu_ns: int
    other_ns: int = 0


@dataclasses.dataclass(slots=True)
class Series:
    """The slices of one benchmark in all slots, round by round. Each round has one slice of each, in its `orders`."""

    readings: dict[str, list[Reading]]
    orders: list[list[str]] = dataclasses.field(default_factory=list)
    with_others: bool = False

    def against(self, base: str, other: str) -> Slices:
        """Return the slices of two slots as pairs."""
        bases, others = self.readings[base], self.readings[other]
        return Slices(
            base_ns=[one.wall_ns for one in bases],
            candidate_ns=[one.wall_ns for one in others],
            first=[int(order.index(base) > order.index(other)) for order in self.orders],
            base_cpu_ns=[one.cpu_ns for one in bases],
            candidate_cpu_ns=[one.cpu_ns for one in others],
            base_other_cpu_ns=[one.other_ns for one in bases] if self.with_others else [],
            candidate_other_cpu_ns=[one.other_ns for one in others] if self.with_others else [],
        )


def measure_series(
    turns: Turns,
    names: Sequence[str],
    benchmark: Benchmark,
    rng: random.Random,
    parts: int = 1,
    before_part: Callable[[], None] = lambda: None,
) -> Series:
    """Time one slice of each slot in every round, in random order, after one untimed slice of each.

    `before_part` is called at the beginning, and before each further one of `parts` equal parts of the rounds.
    """
    with_others = benchmark.concurrency is not Concurrency.NONE
    series = Series({name: [] for name in names}, with_others=with_others)
    pauses = {benchmark.pairs * part // parts for part in range(1, parts)}
    before_part()
    for name in rng.sample(names, len(names)):
        turns.of(name).begin()
        if not benchmark.most_calls:
            _slice(turns.of(name), benchmark.calls, with_others=with_others)
    for number in range(benchmark.pairs):
        if number in pauses:
            before_part()
        order = rng.sample(names, len(names))
        for name in order:
            series.readings[name].append(_slice(turns.of(name), benchmark.calls, with_others=with_others))
        series.orders.append(order)
    return series


def _slice(slot: Slot, calls: int, *, with_others: bool) -> Reading:
    return Reading(*(slot.slice_of_all_ns(calls) if with_others else slot.slice_ns(calls)))
