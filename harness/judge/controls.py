"""Test whether a session is reliable: the A/A check (base against itself), and the share of discarded blocks."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence

from harness.judge.blocks import MOST_BAD, Sorted
from harness.judge.evidence import wall_evidence
from harness.judge.gathering import Evidence, Pair, gather
from harness.judge.load_evidence import segments_pair
from harness.judge.metrics import ALL, LOAD_METRICS, WALL
from harness.judge.verdict import Controls
from harness.session.receipt import NULL_CONTROL, Benchmark, Block, LoadBlock, Segment, SessionPlan
from harness.stats.holm import holm
from harness.stats.order import fewest
from harness.stats.sequential import e_either
from harness.stats.sign import sign_test
from harness.units import significant

NULL_ALPHA = 0.01
"""Significance level of the A/A check: a clean session fails it once in a hundred times."""
NULL_MATTERS = 0.5
"""Smallest relevant bias, as a share of the margin: a smaller one cannot push a harmless change over the margin."""
FIRST_SHARE = 0.8
"""Part of the A/A check's error rate for the first blocks: eight of one sign fail it."""
_LEAST_BLOCKS = fewest(1 - NULL_ALPHA)
_SHOWN_OF_LOAD = "p50_ns"


@dataclasses.dataclass(frozen=True, slots=True)
class _Result:
    """The A/A check of one metric: the change of the base against itself, and its two-sided p."""

    change: float
    p: float


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """The controls of one suite. `reasons` explain why its verdicts are withheld; empty if all checks passed."""

    bad: int = 0
    blocks: int = 0
    change: float | None = None
    p: float | None = None
    changes: tuple[float, ...] = ()
    clean: bool = True
    reasons: tuple[str, ...] = ()


def micro_control(
    benchmarks: Sequence[Benchmark], blocks: Sorted[Block], margin: float, plan: SessionPlan
) -> Control:
    """Return the controls of the micro suite: one two-sided A/A check over all usable blocks.

    `margin` is the smallest margin of any benchmark, as a share.
    """
    named = (benchmark for benchmark in benchmarks if benchmark.name == NULL_CONTROL)
    evidence = wall_evidence(next(named, Benchmark(name=NULL_CONTROL, pairs=1)), blocks)
    return _control(blocks, [evidence], evidence, {WALL.name: margin}, plan.blocks_before_deciding)


def load_control(blocks: Sorted[LoadBlock], margins: Mapping[str, float], plan: SessionPlan) -> Control:
    """Return the controls of the load suite: the base's second segment against its first, over the metrics of `all`.

    The metrics share one test (Holm). `margins` are those of `all`, by metric.
    """
    found = {name: _load_null(blocks, name) for name in LOAD_METRICS}
    # A percentile that few segments have rests on few blocks, or on none: the other metrics decide the check.
    enough = {
        name: null for name, null in found.items() if len(_pairs(null)) >= _LEAST_BLOCKS or null.trouble
    }
    shown = found[_SHOWN_OF_LOAD]
    return _control(blocks, list(enough.values()) or [shown], shown, margins, plan.load_blocks)


def merged(micro: Control, load: Control) -> Controls:
    """Return the controls of the whole session; the figures are those of the micro suite where it ran."""
    shown = micro if micro.blocks or not load.blocks else load
    reasons = tuple(dict.fromkeys((*micro.reasons, *load.reasons)))
    blocks = micro.blocks + load.blocks
    return Controls(
        null_clean=micro.clean and load.clean,
        null_change=shown.change,
        null_p=shown.p,
        null_changes=shown.changes,
        bad_blocks=(micro.bad + load.bad) / blocks if blocks else 0.0,
        reasons=reasons,
    )


def _load_null(blocks: Sorted[LoadBlock], metric: str) -> Evidence:
    telling = [
        block for block in blocks.good if not (_lacks(block.base, metric) or _lacks(block.null, metric))
    ]
    return gather(
        NULL_CONTROL,
        LOAD_METRICS[metric],
        telling,
        lambda block: segments_pair(block.base, block.null, ALL, metric),
    )


def _lacks(segment: Segment | None, metric: str) -> bool:
    """Return True if a measured segment had too few calls for the metric."""
    return segment is not None and ALL in segment.values and metric not in segment.values[ALL]


def _control(
    blocks: Sorted[Block] | Sorted[LoadBlock],
    nulls: Sequence[Evidence],
    shown: Evidence,
    margins: Mapping[str, float],
    first: int,
) -> Control:
    made = sum(blocks.made.values())
    if not made:
        return Control()
    discarded = (
        [f"{len(blocks.bad)} of {made} blocks were discarded (limit {MOST_BAD * 100:.0f} %)"]
        if blocks.bad_share > MOST_BAD
        else []
    )
    untestable = [reason for evidence in nulls if (reason := _untestable(evidence))][:1]
    reasons = [*untestable, *_failures(nulls, margins, first)]
    result = _test(shown, first)
    scale = shown.metric.scale
    return Control(
        bad=len(blocks.bad),
        blocks=made,
        change=scale.share(result.change) if result else None,
        p=result.p if result else None,
        changes=tuple(scale.share(pair.change) for pair in _pairs(shown)),
        clean=not reasons,
        reasons=(*discarded, *reasons),
    )


def _pairs(evidence: Evidence) -> tuple[Pair, ...]:
    return (*evidence.screened, *evidence.confirmed)


def _test(evidence: Evidence, first: int) -> _Result | None:
    """Return the median change and its two-sided p; None without a block.

    The number of later blocks depends on the data. So most of the error rate goes to a sign test of the `first` blocks,
    whose number is fixed, and the rest to an e-process over all, which holds at every number.
    """
    changes = [pair.change for pair in _pairs(evidence)]
    if not changes:
        return None
    test = sign_test(changes)
    at_first = sign_test(changes[:first]).p_two_sided / FIRST_SHARE
    at_any = 1 / e_either(test.above, test.below, test.count) / (1 - FIRST_SHARE)
    p = min(1.0, at_first, at_any) if first < test.count else test.p_two_sided
    return _Result(statistics.median(changes), p)


def _untestable(evidence: Evidence) -> str | None:
    if evidence.trouble:
        return f"the A/A check has no result ({evidence.trouble})"
    count = len(_pairs(evidence))
    if count < _LEAST_BLOCKS:
        return f"too few blocks for the A/A check ({count} of at least {_LEAST_BLOCKS})"
    return None


def _failures(nulls: Sequence[Evidence], margins: Mapping[str, float], first: int) -> list[str]:
    tested = {evidence.metric: result for evidence in nulls if (result := _test(evidence, first)) is not None}
    adjusted = holm({metric: result.p for metric, result in tested.items()})
    return [
        f"the A/A check failed: the base differs from itself by {metric.scale.share(result.change):+.2%} "
        f"in {metric.name} (p {significant(adjusted[metric], 2)})"
        for metric, result in tested.items()
        if adjusted[metric] <= NULL_ALPHA
        and abs(result.change) >= NULL_MATTERS * metric.scale.margin(margins[metric.name])
    ]
