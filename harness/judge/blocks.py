"""Which blocks are evidence: the faults of the record, and the blocks that the machine spoilt.

A block is rejected by its sentinel, the same fixed loop in every slot, and never by what its benchmarks say. The
rule is the same for whichever slot was slow, so rejecting favours neither side.
"""

import dataclasses
import itertools
import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from harness.session.receipt import Block, LoadBlock, Phase, Receipt, Segment, SessionPlan

SLOTS_APART = 1.10
"""The slowest slot's loop over the fastest's. Processes differ by a few percent for reasons of their own (layout,
hash seed); a tenth is four margins, and says that something had one of them by the throat."""
BY_CHANCE = 3.0
"""How many standard errors two slots may be apart by chance. Where another tenant shares the core, the loop takes twice
as long from one moment to the next in every slot; the means of twenty readings of such are often a tenth apart, and
nothing had either slot by the throat."""
SLOWER_THAN_USUAL = 1.5
"""A block's loop over the usual one of the session: half again as long is a stolen or throttled processor."""
MOST_BAD = 0.4
"""Above this share of bad blocks, what is left no longer stands for the session."""
LARGEST_NUMBER = 1e18
SMALLEST_NUMBER = 1e-9
"""Thirty years in nanoseconds, and what no rate or time is below: a number beyond them is damage."""

_ORDER = {phase: place for place, phase in enumerate(Phase)}
Quota = Mapping[Phase, int]
AnyBlock = TypeVar("AnyBlock", Block, LoadBlock)


@dataclasses.dataclass(frozen=True, slots=True)
class Sorted(Generic[AnyBlock]):
    """The blocks of one suite, sorted into evidence and rejects."""

    good: tuple[AnyBlock, ...]
    bad: Mapping[int, str]
    """The rejected blocks by number, with the reason."""
    made: Mapping[Phase, int]
    """All blocks by phase, the bad ones included."""
    usable: Mapping[Phase, int]
    """The same without those that measured nothing, which a session of the micro suite makes again."""
    faults: tuple[str, ...]
    """What is wrong with the record itself; nothing can be judged from it."""

    @property
    def bad_share(self) -> float:
        """The share of bad blocks; none without a block."""
        return len(self.bad) / sum(self.made.values()) if self.made else 0.0


def plausible(value: float) -> bool:
    """Return True for a time or rate that can have been measured."""
    return math.isfinite(value) and SMALLEST_NUMBER <= value <= LARGEST_NUMBER


def sort_blocks(receipt: Receipt) -> Sorted[Block]:
    """Return the blocks of the micro suite, sorted."""
    usual = _usual_ns(receipt.blocks)
    found = _sorted(receipt.blocks, most(receipt.plan), lambda block: _spoilt(block, usual))
    unwatched = tuple(
        f"the sentinel of block {block.number} is missing or damaged"
        for block in receipt.blocks
        if block.trouble is None and _readings(block) is None
    )
    return dataclasses.replace(found, faults=(*found.faults, *unwatched))


def sort_load_blocks(receipt: Receipt) -> Sorted[LoadBlock]:
    """Return the blocks of the load suite, sorted."""
    return _sorted(receipt.load_blocks, most_load(receipt.plan), _spoilt_load)


def most(plan: SessionPlan) -> Quota:
    """Return how many blocks of each phase the plan allows; more of them would be another look."""
    return {
        Phase.SCREEN: plan.screen_blocks,
        Phase.EXTEND: max(0, plan.extended_blocks - plan.screen_blocks),
        Phase.CONFIRM: max(plan.confirm_blocks, plan.confirm_blocks_of_many),
    }


def most_load(plan: SessionPlan) -> Quota:
    """Return the same for blocks of load, which are not extended."""
    return {**most(plan), Phase.SCREEN: plan.load_blocks, Phase.EXTEND: 0}


def planned(plan: SessionPlan) -> Quota:
    """Return how many blocks of each phase there must be, once it was begun."""
    return {**most(plan), Phase.CONFIRM: plan.confirm_blocks}


def planned_load(plan: SessionPlan) -> Quota:
    """Return the same for blocks of load."""
    return {**most_load(plan), Phase.CONFIRM: plan.confirm_blocks}


def _sorted(
    blocks: Sequence[AnyBlock], allowed: Quota, spoilt: Callable[[AnyBlock], str | None]
) -> Sorted[AnyBlock]:
    reasons = {block.number: reason for block in blocks if (reason := spoilt(block)) is not None}
    good = tuple(block for block in blocks if block.number not in reasons)
    made = Counter(block.phase for block in blocks)
    usable = Counter(block.phase for block in blocks if block.trouble is None)
    return Sorted(good, reasons, made, usable, tuple(_faults(blocks, usable, allowed)))


def _faults(blocks: Sequence[Block | LoadBlock], usable: Mapping[Phase, int], allowed: Quota) -> list[str]:
    numbers = Counter(block.number for block in blocks)
    faults = [f"block {number} is recorded {times} times" for number, times in numbers.items() if times > 1]
    phases = [_ORDER[block.phase] for block in sorted(blocks, key=lambda block: block.number)]
    if phases != sorted(phases):
        faults.append("its blocks are not in the order screen, extend, confirm")
    return faults + [
        f"it holds {usable[phase]} blocks of the phase '{phase}', where its plan allows {allowed[phase]}"
        for phase in usable
        if usable[phase] > allowed[phase]
    ]


def _readings(block: Block) -> list[list[int]] | None:
    """Return the times of the loop in each slot; None if a side has none, or a time that cannot be."""
    if block.sentinel is None:
        return None
    sides = [block.sentinel.base_ns, block.sentinel.candidate_ns]
    sides += [block.sentinel.null_ns] if block.sentinel.null_ns else []
    return sides if all(times and all(map(plausible, times)) for times in sides) else None


def _loop_ns(readings: Sequence[Sequence[int]]) -> float:
    """Return the usual loop of a block.

    The lower median: a slot of few benchmarks has two or three loops, of which one may have met a burst.
    """
    return statistics.median(statistics.median_low(times) for times in readings)


def _apart(readings: Sequence[Sequence[int]]) -> float:
    """Return how many times as long the loop took in one slot as in another; 1 if chance alone may have done it.

    Geometric means are compared, by the scatter of single readings that all slots have in common; where each has one
    reading, none is known, and nothing is put down to chance.
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


def _usual_ns(blocks: Sequence[Block]) -> float:
    """Return the loop of the usual block of the screen; later blocks do not move it, nor what was decided by it."""
    readings = [_readings(block) for block in blocks if block.phase is Phase.SCREEN]
    loops = [_loop_ns(times) for times in readings if times]
    return statistics.median(loops) if loops else math.inf


def _spoilt(block: Block, usual_ns: float) -> str | None:
    if block.trouble is not None:
        return block.trouble
    readings = _readings(block)
    if readings is None:
        return "its sentinel is missing or damaged"
    apart = _apart(readings)
    if apart > SLOTS_APART:
        return f"the same loop took {apart - 1:.0%} longer in one of its slots than in another"
    slower = _loop_ns(readings) / usual_ns
    return f"its loop took {slower - 1:.0%} longer than usual" if slower > SLOWER_THAN_USUAL else None


def _spoilt_load(block: LoadBlock) -> str | None:
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
