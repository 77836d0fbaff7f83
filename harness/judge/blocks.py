"""Separate usable blocks from damaged ones and from those that the machine disturbed.

A block is discarded by its sentinel, the same fixed loop in every slot, and never by its benchmarks. The rule is
symmetric in the slots, so discarding favours neither side.
"""

import dataclasses
import itertools
import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from harness.session.receipt import Block, LoadBlock, Phase, Receipt, Rule, Segment, SessionPlan

SLOTS_APART = 1.10
"""Largest accepted ratio of the slowest slot's loop to the fastest's. Processes differ by a few percent because of
memory layout and hash seed; 10 % is four times that margin and indicates a disturbance of one slot."""
BY_CHANCE = 3.0
"""Number of standard errors that two slots may differ by chance. With another tenant on the core, the loop's time
doubles from one moment to the next in every slot; means of twenty such readings often differ by 10 % without a
disturbance of either slot."""
SLOWER_THAN_USUAL = 1.5
"""Largest accepted ratio of a block's loop to the session's usual one: 1.5 indicates a stolen or throttled processor."""
MOST_BAD = 0.4
"""Largest share of discarded blocks: above it, the remaining blocks do not represent the session."""
LARGEST_NUMBER = 1e18
SMALLEST_NUMBER = 1e-9
"""Range of plausible times and rates: 1e18 ns is thirty years. A number outside it is damaged."""

_ORDER = {phase: place for place, phase in enumerate(Phase)}
Quota = Mapping[Phase, int]
AnyBlock = TypeVar("AnyBlock", Block, LoadBlock)


@dataclasses.dataclass(frozen=True, slots=True)
class Sorted(Generic[AnyBlock]):
    """The blocks of one suite, separated into usable and discarded ones."""

    good: tuple[AnyBlock, ...]
    bad: Mapping[int, str]
    """The discarded blocks by number, with the reason."""
    made: Mapping[Phase, int]
    """All blocks by phase, including the discarded ones."""
    usable: Mapping[Phase, int]
    """Blocks by phase without those that measured nothing; a session of the micro suite repeats those."""
    faults: tuple[str, ...]
    """Defects of the record itself; with any of them no verdict is possible."""

    @property
    def bad_share(self) -> float:
        """The share of discarded blocks; 0 without a block."""
        return len(self.bad) / sum(self.made.values()) if self.made else 0.0


def plausible(value: float) -> bool:
    """Return True for a time or rate that is physically possible."""
    return math.isfinite(value) and SMALLEST_NUMBER <= value <= LARGEST_NUMBER


def sort_blocks(receipt: Receipt) -> Sorted[Block]:
    """Return the blocks of the micro suite, sorted."""
    usual = _usual_ns(receipt)
    found = _sorted(receipt.blocks, most(receipt.plan), lambda block: _reason_to_discard(block, usual))
    unwatched = tuple(
        f"the sentinel of block {block.number} is missing or damaged"
        for block in receipt.blocks
        if block.trouble is None and readings(block) is None
    )
    return dataclasses.replace(found, faults=(*found.faults, *unwatched))


def sort_load_blocks(receipt: Receipt) -> Sorted[LoadBlock]:
    """Return the blocks of the load suite, sorted."""
    return _sorted(receipt.load_blocks, most_load(receipt.plan), _reason_to_discard_load)


def most(plan: SessionPlan) -> Quota:
    """Return the largest number of blocks of each phase under the plan."""
    return {Phase.SCREEN: plan.screen_blocks, Phase.CONFIRM: plan.confirm_blocks}


def most_load(plan: SessionPlan) -> Quota:
    """Return the largest number of load blocks of each phase."""
    return {Phase.SCREEN: plan.load_blocks, Phase.CONFIRM: plan.load_confirm_blocks}


def planned(plan: SessionPlan) -> Quota:
    """Return the number of blocks that each phase needs once it has begun; a sequential one ends by its evidence."""
    return (
        most(plan)
        if plan.rule is Rule.FIXED
        else {Phase.SCREEN: plan.blocks_before_deciding, Phase.CONFIRM: 0}
    )


def planned_load(plan: SessionPlan) -> Quota:
    """Return the number of load blocks that each phase needs once it has begun."""
    return most_load(plan) if plan.rule is Rule.FIXED else {**most_load(plan), Phase.CONFIRM: 0}


def _sorted(
    blocks: Sequence[AnyBlock], allowed: Quota, reason_of: Callable[[AnyBlock], str | None]
) -> Sorted[AnyBlock]:
    reasons = {block.number: reason for block in blocks if (reason := reason_of(block)) is not None}
    good = tuple(block for block in blocks if block.number not in reasons)
    made = Counter(block.phase for block in blocks)
    usable = Counter(block.phase for block in blocks if block.trouble is None)
    return Sorted(good, reasons, made, usable, tuple(_faults(blocks, usable, allowed)))


def _faults(blocks: Sequence[Block | LoadBlock], usable: Mapping[Phase, int], allowed: Quota) -> list[str]:
    numbers = Counter(block.number for block in blocks)
    faults = [f"block {number} is recorded {times} times" for number, times in numbers.items() if times > 1]
    # A session of no fixed length tells by its numbers that a block was lost.
    lost = next((number for number in range(len(numbers)) if number not in numbers), None)
    faults += [] if lost is None else [f"block {lost} is missing"]
    phases = [_ORDER[block.phase] for block in sorted(blocks, key=lambda block: block.number)]
    if phases != sorted(phases):
        faults.append("the blocks are not in the order screen, confirm")
    return faults + [
        f"{usable[phase]} blocks of the phase '{phase}' are recorded (limit {allowed[phase]})"
        for phase in usable
        if usable[phase] > allowed[phase]
    ]


def readings(block: Block) -> list[list[int]] | None:
    """Return the times of the loop in each slot (base, candidate, null); None if a side has none or an implausible one."""
    if block.sentinel is None:
        return None
    sides = [block.sentinel.base_ns, block.sentinel.candidate_ns]
    sides += [block.sentinel.null_ns] if block.sentinel.null_ns else []
    return sides if all(times and all(map(plausible, times)) for times in sides) else None


def _loop_ns(readings: Sequence[Sequence[int]]) -> float:
    """Return the typical loop time of a block, in ns.

    The lower median: a slot of few benchmarks has two or three loops, one of which may have met a burst.
    """
    return statistics.median(statistics.median_low(times) for times in readings)


def _apart(readings: Sequence[Sequence[int]]) -> float:
    """Return the ratio of the loop times of the two most different slots; 1 if chance may explain the difference.

    Compares geometric means, with the scatter of single readings pooled over all slots. With one reading per slot
    the scatter is unknown, and no difference is attributed to chance.
    """
    logs = [[math.log(ns) for ns in times] for times in readings]
    means = [statistics.fmean(one) for one in logs]
    squares = sum((value - mean) ** 2 for one, mean in zip(logs, means, strict=True) for value in one)
    freedom = sum(len(one) - 1 for one in logs)
    variance = squares / freedom if freedom else 0.0
    return max(
        math.exp(apart)
        if (apart := abs(means[one] - means[other]))
        > BY_CHANCE * math.sqrt(variance * (1 / len(logs[one]) + 1 / len(logs[other])))
        else 1.0
        for one, other in itertools.combinations(range(len(logs)), 2)
    )


def _usual_ns(receipt: Receipt) -> float:
    """Return the typical loop time of the first blocks, in ns: those before any decision, so that it does not change later."""
    first = receipt.blocks[: receipt.plan.least_blocks]
    loops = [_loop_ns(times) for block in first if (times := readings(block))]
    return statistics.median(loops) if loops else math.inf


def _reason_to_discard(block: Block, usual_ns: float) -> str | None:
    if block.trouble is not None:
        return block.trouble
    loops = readings(block)
    if loops is None:
        return "the sentinel is missing or damaged"
    apart = _apart(loops)
    if apart > SLOTS_APART:
        return f"the sentinel loop took {apart - 1:.0%} longer in one slot than in another (limit {SLOTS_APART - 1:.0%})"
    slower = _loop_ns(loops) / usual_ns
    return (
        f"the sentinel loop took {slower - 1:.0%} longer than usual" if slower > SLOWER_THAN_USUAL else None
    )


def _reason_to_discard_load(block: LoadBlock) -> str | None:
    if block.trouble is not None:
        return block.trouble
    sides: dict[str, Segment | None] = {"base": block.base, "candidate": block.candidate}
    sides |= {"null": block.null} if block.null else {}
    reasons = (_unusable(name, segment) for name, segment in sides.items())
    return next((reason for reason in reasons if reason), None)


def _unusable(side: str, segment: Segment | None) -> str | None:
    if segment is None:
        return f"the segment of the {side} is missing"
    if segment.validity not in {"valid", "degraded"}:
        why = f": {segment.reasons[0]}" if segment.reasons else ""
        return f"the segment of the {side} is {segment.validity}{why}"
    return None
