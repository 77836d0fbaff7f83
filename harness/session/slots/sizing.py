"""Compute how much of each benchmark a block measures, and the duration. Pure."""

import dataclasses
import math
from collections.abc import Collection, Mapping

from harness.session.receipt import Benchmark, Concurrency, SessionPlan, State

MOST_SIDE_NS = 500_000_000
"""Largest time of one benchmark's slices in a block on one side, in ns."""
LEAST_PAIRS = 5
FAR_APART = 10.0
"""Ratio of the sides from which one pair of long calls in a block tells as much as several."""
SLICE_OVERHEAD_S = 0.000_15
"""Time to request a slice from a slot and wake it, in seconds."""
ALONE_SLICE_NS = 60_000_000
"""Least length of a slice of a benchmark with threads or children, in ns: twelve times the interval after which Python's
interpreter passes from one thread to another."""
ALONE_OVERHEAD_S = 0.000_3
"""Time to stop one slot, resume another and request a slice from it, in seconds."""
ALONE_SENTINEL_LOOPS = 100
"""Runs of the sentinel's loop in all readings of a slot with threads: single runs differ as the work of the threads does."""
LEAST_SENTINELS = 4
"""Least number of readings of the sentinel in each slot of a block."""
SENTINEL_S = 0.0015
"""Time of the sentinel's loop, in seconds."""
IDLE_S = 0.06
"""Time of one look at a slot at rest, or at the rest of the machine while all slots are stopped, in seconds."""


def calls_per_slice(slower_ns: float, whole_ns: float, slice_ns: int) -> int:
    """Return the number of calls of the slower side that fit into a slice; at least one.

    `whole_ns` is a call including its untimed setup: all setups of a slice may take twice the slice.
    """
    return max(1, int(min(slice_ns / max(slower_ns, 1.0), 3 * slice_ns / max(whole_ns, 1.0))))


def pairs_per_block(whole_ns: float, calls: int, slices: int, least: int = LEAST_PAIRS) -> int:
    """Return the number of pairs of slices in a block: all planned ones, or as many as the time allows."""
    affordable = int(MOST_SIDE_NS / max(whole_ns * calls, 1.0))
    return max(min(affordable, slices), min(least, slices))


@dataclasses.dataclass(frozen=True, slots=True)
class SentinelPlan:
    """The readings of the sentinel in a block of so many benchmarks; `is_alone` if its slots run one at a time."""

    benchmarks: int
    is_alone: bool = False

    @property
    def readings(self) -> int:
        """Number of readings in a slot that runs all benchmarks, nearly: before each of them, and at the end."""
        return max(LEAST_SENTINELS, self.benchmarks + 1)

    @property
    def loops(self) -> int:
        """Number of runs of the loop in each reading, of which the mean counts."""
        return math.ceil(ALONE_SENTINEL_LOOPS / self.readings) if self.is_alone else 1

    @property
    def look_every(self) -> int:
        """Number of readings for each look at the rest of the machine; some four looks are made in all."""
        return max(1, self.readings // LEAST_SENTINELS)

    def per_series(self, *, alone_in_its_slot: bool = False) -> int:
        """Return how often the sentinel is read in a benchmark's series; once more follows at the end of the block."""
        return max(1, math.ceil((LEAST_SENTINELS - 1) / (1 if alone_in_its_slot else self.benchmarks)))

    def seconds(self, slots: int) -> float:
        """Return the time for all of it, in seconds."""
        looks_s = IDLE_S * self.readings / self.look_every if self.is_alone else 0.0
        return self.readings * slots * self.loops * SENTINEL_S + looks_s


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One benchmark after discovery.

    `whole_ns` is a call of the slower side with its setup; `ready_s` is the time to warm the benchmark up, on both
    sides.
    """

    name: str
    file: str
    state: State
    base_ns: float | None = None
    candidate_ns: float | None = None
    whole_ns: float = 0.0
    ready_s: float = 0.0
    note: str = ""
    warm_calls: int = 0
    most_calls: int = 0
    concurrency: Concurrency = Concurrency.NONE

    @property
    def slower_ns(self) -> float:
        """Time of a call of the slower side, in ns, among the sides that run it."""
        return max(self.base_ns or 0.0, self.candidate_ns or 0.0)

    def _pairs(self, calls: int, slices: int) -> int:
        is_far_apart = (
            self.base_ns
            and self.candidate_ns
            and self.slower_ns > FAR_APART * min(self.base_ns, self.candidate_ns)
        )
        least = 1 if is_far_apart else LEAST_PAIRS
        return 1 if self.most_calls else pairs_per_block(self.whole_ns, calls, slices, least)

    def planned(self, plan: SessionPlan) -> Benchmark:
        """Return the benchmark with the amount of measurement in a block."""
        is_alone = self.concurrency is not Concurrency.NONE
        slice_ns = max(plan.slice_ns, ALONE_SLICE_NS) if is_alone else plan.slice_ns
        calls = self.most_calls or calls_per_slice(self.slower_ns, self.whole_ns, slice_ns)
        return Benchmark(
            name=self.name,
            state=self.state,
            calls=calls,
            pairs=self._pairs(calls, plan.slices),
            base_ns=self.base_ns,
            candidate_ns=self.candidate_ns,
            note=self.note,
            warm_calls=self.warm_calls,
            most_calls=self.most_calls,
            concurrency=self.concurrency,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Discovery:
    """The measurable benchmarks. `start_s` is the time to start one slot; `null_of` names the null control's benchmark."""

    found: tuple[Found, ...]
    start_s: float
    null_of: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def comparable(self) -> tuple[str, ...]:
        """Names of the benchmarks that both sides run."""
        return tuple(found.name for found in self.found if found.state is State.BOTH)

    @property
    def hopeless(self) -> str:
        """Reason why no verdict is possible, whatever else is measured; empty if one is."""
        broken = [found for found in self.found if found.state is State.BROKEN]
        if self.comparable or not broken:
            return ""
        more = f" (and {len(broken) - 1} more like it)" if len(broken) > 1 else ""
        return (
            f"No benchmark can be compared, so nothing was measured: {broken[0].name}: {broken[0].note}{more}"
        )

    @property
    def files(self) -> Mapping[str, str]:
        """Mapping of each benchmark to its file."""
        return {found.name: found.file for found in self.found}

    def block_s(self, plan: SessionPlan, names: Collection[str] | None = None) -> float:
        """Return the approximate time of one block, in seconds, with these benchmarks (default: all) and the null control."""
        mine = [
            found
            for found in self.found
            if found.state is State.BOTH and (names is None or found.name in names)
        ]
        control = [found for found in self.found if found.name == self.null_of]
        measured = {found.name: found for found in (*mine, *control)}.values()
        is_alone = any(found.concurrency is not Concurrency.NONE for found in measured)
        seconds = sum(
            _seconds(found, plan, 3 if found in control else 2, is_alone=is_alone) for found in measured
        )
        slots = 2 + len(control)
        seconds += SentinelPlan(len(measured), is_alone=is_alone).seconds(slots)
        return seconds + self.start_s * slots + (2 * IDLE_S if is_alone else 0.0)

    def warm_s(self) -> float:
        """Return the approximate time to import once from the folders of confirmation, in seconds."""
        return self.start_s * 3


def _seconds(found: Found, plan: SessionPlan, slots: int, *, is_alone: bool) -> float:
    """Return the time of one benchmark in a block with so many slots, in seconds."""
    benchmark = found.planned(plan)
    overhead_s = ALONE_OVERHEAD_S if is_alone else SLICE_OVERHEAD_S
    slice_s = found.whole_ns * benchmark.calls * 1e-9 + overhead_s
    return slots * (found.ready_s / 2 + (benchmark.pairs + 1) * slice_s)
