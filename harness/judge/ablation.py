"""Compute the effect of each optimisation: the rows of an ablation, from the receipts of its sessions.

An ablation estimates effects and gives no pass or fail. Its intervals hold for all its rows together.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

from harness.judge.blocks import sort_blocks
from harness.judge.evidence import micro_evidence
from harness.judge.exact import exact_comparisons
from harness.judge.gathering import Evidence
from harness.judge.metrics import WALL
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Receipt, State
from harness.stats.order import median_interval

COVERAGE = 0.95
"""Joint coverage of all intervals of an ablation (Bonferroni)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """A session without one switch. `context` names the condition; `trouble` gives the reason for a missing receipt."""

    switch: str
    context: str
    receipt: Receipt | None = None
    trouble: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class AblationRow:
    """One metric of one operation, with everything on against everything but `switch`.

    `worth` is relative: 0.25 means that the metric is 25 % larger without the switch; below zero the switch costs more
    than it saves. `low` and `high` are its interval; None for exact counts. A row without `worth` was not measured, and
    `note` gives the reason.
    """

    switch: str
    operation: str
    metric: str
    worth: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    note: str = ""


def rows(measured: Sequence[Measured], policy: Policy) -> list[AblationRow]:
    """Return the effect of each switch, by operation and metric, with intervals that hold together."""
    evidence = {
        id(one): [found for found in _evidence(one) if found.metric is WALL and found.screened]
        for one in measured
    }
    count = sum(map(len, evidence.values()))
    made = []
    for one in measured:
        made += [_timed(one, found, coverage_of_each(count)) for found in evidence[id(one)]]
        made += _counted(one, policy)
        made += [_missing(one, name, why) for name, why in _gaps(one)]
    return made


def _gaps(measured: Measured) -> Iterator[tuple[str, str]]:
    """Yield the operations that were not measured, with the reason."""
    if measured.receipt is None:
        yield "all", measured.trouble
        return
    for benchmark in measured.receipt.benchmarks:
        if benchmark.state is not State.BOTH:
            yield benchmark.name, benchmark.note
    yield from (("all", trouble) for trouble in measured.receipt.trouble)


def _missing(measured: Measured, operation: str, why: str) -> AblationRow:
    return AblationRow(
        measured.switch, operation + measured.context, "wall", None, None, None, Verdict.INVALID, why
    )


def _evidence(measured: Measured) -> list[Evidence]:
    """Return the evidence of all blocks of a session, including disturbed ones.

    A verdict excludes disturbed blocks; an estimate keeps them. Both sides of a block met the disturbance in random
    order, so it widens the interval and favours neither side.
    """
    receipt = measured.receipt
    if receipt is None:
        return []
    whole = tuple(block for block in receipt.blocks if block.trouble is None)
    return micro_evidence(receipt.benchmarks, dataclasses.replace(sort_blocks(receipt), good=whole))


def disturbed_share(measured: Sequence[Measured]) -> float:
    """Return the share of all blocks that their sentinels report as disturbed by the machine."""
    found = [sort_blocks(one.receipt) for one in measured if one.receipt is not None]
    return sum(len(each.bad) for each in found) / max(sum(sum(each.made.values()) for each in found), 1)


def _timed(measured: Measured, evidence: Evidence, coverage: float) -> AblationRow:
    interval = median_interval([pair.change for pair in evidence.screened], coverage)
    bounded = interval.bounded
    low, high = (math.expm1(interval.low), math.expm1(interval.high)) if bounded else (None, None)
    verdict = Verdict.OK if bounded and not evidence.trouble else Verdict.INVALID
    note = evidence.trouble or ("" if bounded else "too few blocks for an interval")
    return AblationRow(
        measured.switch,
        evidence.benchmark + measured.context,
        "wall",
        math.expm1(interval.center),
        low,
        high,
        verdict,
        note,
    )


def _counted(measured: Measured, policy: Policy) -> Iterator[AblationRow]:
    if measured.receipt is None:
        return
    for one in exact_comparisons(measured.receipt.counts, policy):
        if one.change is not None and math.isfinite(one.change) and one.metric != "failures":
            yield AblationRow(
                measured.switch,
                one.benchmark + measured.context,
                one.metric,
                one.change,
                None,
                None,
                one.verdict,
                one.note,
            )


def coverage_of_each(intervals: int) -> float:
    """Return the coverage that each of `intervals` needs for all of them to hold together."""
    return 1 - (1 - COVERAGE) / max(intervals, 1)
