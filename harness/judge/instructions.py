"""Judge counts of instructions: pairs of processes, of which each pair has one memory layout.

Identical code counts alike in each pair. Changed code shifts the layout of memory too, which is worth up to some per cent and
differs from pair to pair: the range of the pairs' changes is the tolerance. A change is real only if every pair shows it, the
smallest by more than that range. With six pairs of normal noise this happens by chance in 1 of 10,000 benchmarks each way
(`tests/simulations/instructions.py`), and the median must reach the margin besides.
"""

import dataclasses
import math
import statistics
from collections.abc import Sequence

from harness.exact.metrics import INSTRUCTIONS
from harness.judge.verdict import Comparison, Verdict
from harness.session.receipt import Count
from harness.units import format_percent

MOST_RANGE = 0.01
"""Largest range of the pairs' changes: above it, a count that shows no clear change is not exact, and has no figure."""
LEAST_PAIRS = 3
EQUAL = 0.0005
"""Range up to which three pairs agree: identical code differs less."""
MANY_PAIRS = 6
"""Number of pairs that a change needs where they differ."""
_TIME = "wall"


BLIND = "waiting, caches, system calls and garbage collection"
"""The costs that a count of instructions does not see."""


def decided(bare: Comparison, count: Count, allowed: float, margin: float) -> Comparison:
    """Return the comparison of equally many counts of both sides, in the order of their pairs.

    `allowed` is the accepted growth per call, `margin` the smallest relevant change as a share. A count that
    is not exact has no figure.
    """
    if not all(value > 0 for value in (*count.base, *count.candidate)):
        return dataclasses.replace(bare, note="it holds an implausible count")
    pairs = zip(count.base, count.candidate, strict=True)
    changes = [math.log(after / before) for before, after in pairs]
    low, high = min(changes), max(changes)
    is_clear = max(low, -high) > high - low
    if high - low > MOST_RANGE and not is_clear:
        spread = f"{format_percent(math.expm1(high - low))} (limit {format_percent(MOST_RANGE)})"
        note = f"no exact instructions: the change differs by {spread} from one pair of processes to another"
        return dataclasses.replace(bare, verdict=Verdict.INCONCLUSIVE, note=_joined(note, count.note))
    base, candidate = statistics.median(count.base), statistics.median(count.candidate)
    verdict, note = _verdict(changes, math.log1p(allowed / base), math.log1p(margin))
    is_range = high - low > EQUAL
    return dataclasses.replace(
        bare,
        verdict=verdict,
        base=base,
        candidate=candidate,
        change=math.expm1(statistics.median(changes)),
        low=math.expm1(low) if is_range else None,
        high=math.expm1(high) if is_range else None,
        note=_joined(note, count.note if verdict is not Verdict.OK else ""),
    )


def _verdict(changes: Sequence[float], allowed: float, margin: float) -> tuple[Verdict, str]:
    """Return the verdict with its note; all arguments are logarithms."""
    low, middle, high = min(changes), statistics.median(changes), max(changes)
    tolerance = high - low
    if len(changes) < LEAST_PAIRS:
        return (
            Verdict.INCONCLUSIVE,
            f"counted in {len(changes)} pairs of processes, and {LEAST_PAIRS} are needed",
        )
    if -margin < middle < margin + allowed:
        return Verdict.OK, "within the allowed amount" if middle >= margin else ""
    if len(changes) < MANY_PAIRS and tolerance > EQUAL:
        note = (
            f"counted in {len(changes)} pairs of processes that differ, and a change then needs {MANY_PAIRS}"
        )
        return Verdict.INCONCLUSIVE, note
    if low > tolerance:
        return Verdict.REGRESSED, ""
    if high < -tolerance:
        return Verdict.IMPROVED, ""
    return Verdict.INCONCLUSIVE, (
        f"the change differs by {format_percent(math.expm1(tolerance))} from one pair of processes to another, more than the "
        "smallest of these changes: the place of objects in memory is part of a count"
    )


def beside_times(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons; where a time is open and the instructions of its benchmark are not, its note says both."""
    known = {
        one.benchmark: one.change
        for one in comparisons
        if one.metric == INSTRUCTIONS and one.verdict is not Verdict.INCONCLUSIVE and one.change is not None
    }
    return [
        dataclasses.replace(
            one, note=_joined(f"time: cannot tell; instructions: {known[one.benchmark]:+.2%}", one.note)
        )
        if one.metric == _TIME and one.verdict is Verdict.INCONCLUSIVE and one.benchmark in known
        else one
        for one in comparisons
    ]


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))
