"""Judge what slows a slot's whole process: the sentinel, the same fixed loop in every slot, on both sides.

The sentinel shows which blocks the machine disturbed. A candidate that leaves a trace hook on, or burns the CPU in
another thread, slows it too: then blocks are discarded because of the candidate. The test of that uses all blocks,
also the discarded ones.
"""

import dataclasses
import math
import statistics
from collections.abc import Iterator

from harness.judge.blocks import SLOTS_APART, readings
from harness.judge.candidates import alpha_of
from harness.judge.metrics import FIXED_LOOP, PROCESS
from harness.judge.verdict import Comparison, Kind, Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Receipt
from harness.stats.sample import Comparison as Change
from harness.stats.sequential import compare_sequentially


@dataclasses.dataclass(frozen=True, slots=True)
class _Loop:
    """The time of the loop in one block, on both sides, in ns."""

    base: float
    candidate: float


def slows_everything(receipt: Receipt, policy: Policy) -> Comparison | None:
    """Return the regression of the whole process; None where the sentinel shows none.

    One-sided: a base that slows everything makes no verdict, see `base_slows_everything`.
    """
    loops, change = _measured(receipt)
    if change is None or not _shown(change.change, change.p_greater, alpha_of(receipt, policy)):
        return None
    return Comparison(
        PROCESS,
        FIXED_LOOP,
        Kind.PAIRED,
        Verdict.REGRESSED,
        base=statistics.median(loop.base for loop in loops),
        candidate=statistics.median(loop.candidate for loop in loops),
        change=math.expm1(change.change),
        low=math.expm1(change.low) if change.coverage < 1 else None,
        high=math.expm1(change.high) if change.coverage < 1 else None,
        blocks=len(loops),
        p=change.p_greater,
        margin=SLOTS_APART - 1,
        note=f"the candidate slows everything in its process: a fixed loop takes {_times(change)} as long there. "
        "Look for a trace hook, a profiler or a thread that it leaves running",
        changes=tuple(math.expm1(math.log(loop.candidate / loop.base)) for loop in loops),
    )


def base_slows_everything(receipt: Receipt, policy: Policy) -> str:
    """Return the reason for no verdict where the base slows its whole process; empty if it does not."""
    _, change = _measured(receipt)
    if change is None or not _shown(-change.change, change.p_less, alpha_of(receipt, policy)):
        return ""
    return (
        f"the base slows everything in its process: a fixed loop takes {math.exp(-change.change):.2g} times as long there as "
        "on the candidate"
    )


def _measured(receipt: Receipt) -> tuple[list[_Loop], Change | None]:
    loops = list(_loops(receipt))
    changes = [math.log(loop.candidate / loop.base) for loop in loops]
    return loops, compare_sequentially(changes) if changes else None


def _loops(receipt: Receipt) -> Iterator[_Loop]:
    for block in receipt.blocks:
        found = readings(block)
        if found:
            base, candidate = (float(statistics.median_low(times)) for times in found[:2])
            yield _Loop(base, candidate)


def _shown(change: float, p: float | None, alpha: float) -> bool:
    return p is not None and p <= alpha and change >= math.log(SLOTS_APART)


def _times(change: Change) -> str:
    return f"{math.exp(change.change):.2g} times"
