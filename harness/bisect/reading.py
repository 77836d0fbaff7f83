"""Read the changes of one benchmark from session records: block by block, or as an exact count."""

import dataclasses
import math
from collections.abc import Sequence

from harness.exact.metrics import INSTRUCTIONS
from harness.judge.blocks import sort_blocks
from harness.judge.evidence import micro_evidence
from harness.judge.gathering import Evidence
from harness.judge.judge import judge
from harness.judge.metrics import WALL
from harness.judge.verdict import Comparison, Kind, Verdict
from harness.policy.policy import Policy
from harness.session.receipt import NULL_CONTROL, Receipt, State
from harness.stats.sequential import compare_sequentially

ALPHA = 0.01
"""Error rate of the claim that the ends differ."""
MOST_ENDS = 24
"""Most blocks of the ends."""
LEAST_ENDS = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one benchmark in one metric, as logarithms; `why` is the reason if there are none."""

    benchmark: str
    metric: str
    unit: str = "ns"
    values: tuple[float, ...] = ()
    why: str = ""


def wall_changes(receipt: Receipt, metric: str | None) -> list[Changes]:
    """Return the changes of each benchmark of the micro suite, by good blocks."""
    found = [
        _of_blocks(one)
        for one in micro_evidence(receipt.benchmarks, sort_blocks(receipt))
        if one.metric.name == (metric or WALL.name)
    ]
    known = {one.benchmark for one in found}
    return found + [
        Changes(one.name, metric or WALL.name, why=one.note or f"it is {one.state}")
        for one in receipt.benchmarks
        if one.state is not State.BOTH and one.name not in known and one.name != NULL_CONTROL
    ]


def _of_blocks(evidence: Evidence) -> Changes:
    why = evidence.trouble or evidence.thin
    values = () if why else tuple(pair.change for pair in evidence.screened)
    return Changes(evidence.benchmark, evidence.metric.name, evidence.metric.unit, values, why)


def is_decided(values: Sequence[float], margin: float) -> bool:
    """Return True if these blocks of the ends decide: they differ for certain, or differ by less than the margin."""
    if len(values) < LEAST_ENDS:
        return False
    return len(values) >= MOST_ENDS or differ(values) or at_most(values) < math.log1p(margin)


def differ(values: Sequence[float]) -> bool:
    """Return True if the blocks show a change in either direction for certain; holds at every number of blocks."""
    return (compare_sequentially(values).p_two_sided or 1.0) <= ALPHA


def at_most(values: Sequence[float]) -> float:
    """Return the largest change, of either sign, that the blocks are compatible with."""
    change = compare_sequentially(values)
    return max(abs(change.low), abs(change.high))


def compared_changes(receipt: Receipt, policy: Policy, metric: str | None) -> list[Changes]:
    """Return the changes of all comparisons of a session of any suite; exact ones have a single value."""
    return [
        _of_comparison(one)
        for one in judge(receipt, policy).comparisons
        if one.kind is not Kind.LIMIT and one.unit != "share" and (metric is None or one.metric == metric)
    ]


def _of_comparison(one: Comparison) -> Changes:
    if one.verdict in {Verdict.NEW, Verdict.REMOVED}:
        return Changes(one.benchmark, one.metric, one.unit, why=one.note or f"it is {one.verdict}")
    if one.kind is Kind.PAIRED:
        values = tuple(math.log1p(change) for change in (*one.screened, *one.changes) if change > -1)
        return Changes(
            one.benchmark, one.metric, one.unit, values, "" if values else one.note or "no block measured it"
        )
    if not one.base or not one.candidate:
        same = one.base == one.candidate == 0
        return Changes(
            one.benchmark,
            one.metric,
            one.unit,
            (0.0,) if same else (),
            "" if same else one.note or "one side counts none of it",
        )
    if one.verdict is Verdict.OK and one.metric == INSTRUCTIONS:
        # Below its margin a count of instructions moves with the layout of memory.
        return Changes(one.benchmark, one.metric, one.unit, (0.0,))
    return Changes(one.benchmark, one.metric, one.unit, (math.log(one.candidate / one.base),))
