"""Judge counts that repeat exactly: growth beyond the allowed amount is a regression, without statistics.

Allocations have a floor below which a change is ignored. Where repetitions of one side differ, the tolerance is the
largest range of either side, and at least that floor. A change
is then real only if every repetition of one side exceeds every one of the other's by more than the tolerance. With
three against three repetitions of normal noise that happens by chance 4 times in 1,000 each way (with two, 46 times: too many).
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping

from harness.exact.metrics import FAILURES, INSTRUCTIONS
from harness.judge import instructions
from harness.judge.blocks import LARGEST_NUMBER
from harness.judge.floors import floor_of, has_margin
from harness.judge.verdict import Comparison, Kind, Site, Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Count, State
from harness.stats import Comparison as Growth
from harness.stats import Sample, compare_exact
from harness.units import format_percent

BACKGROUND = "background"
"""Operation under which a target counts background work, which belongs to no request."""
LARGEST_TOLERANCE = 0.25
"""Largest scatter of a count, as a share of the base: a count above it decides nothing."""
MOST_ELSEWHERE = 0.02
"""Largest share of a target's allocations outside of its calls: a change of that size could stay unseen, and is below
the default margin. Loops of a target's own workers stay below it; work left to a queue is most of the allocations."""
LEAST_REPETITIONS = 3
"""Number of repetitions that each side needs where they differ."""
_ROUNDING = 1e-9
_UNITS = {"peak_bytes": "B", "bytes": "B", INSTRUCTIONS: "per call"}


def exact_comparisons(counts: Iterable[Count], policy: Policy) -> list[Comparison]:
    """Return the verdict on every count that the policy does not skip."""
    judged = [
        count
        for count in counts
        if BACKGROUND not in (count.benchmark, count.metric)
        and policy.skipped(count.benchmark, count.metric) is None
    ]
    times = Counter((count.benchmark, count.metric) for count in judged)
    return [_comparison(count, policy, times[count.benchmark, count.metric]) for count in judged]


def _comparison(count: Count, policy: Policy, times: int) -> Comparison:
    allowed = policy.allowed(count.benchmark, count.metric)
    margin = policy.margin(count.benchmark, count.metric)
    bare = Comparison(
        count.benchmark,
        count.metric,
        Kind.EXACT,
        Verdict.INVALID,
        unit=_UNITS.get(count.metric.partition(".")[0], "per request"),
        allowed=allowed,
        margin=margin if has_margin(count.metric) else None,
        sites=_sites(count.base_sites, count.candidate_sites),
    )
    if (one_sided := _one_sided(count)) is not None:
        return dataclasses.replace(bare, verdict=one_sided, note=count.note)
    if count.metric == INSTRUCTIONS and count.unseen:
        note = f"no exact instructions: {count.unseen}"
        return dataclasses.replace(bare, verdict=Verdict.INCONCLUSIVE, note=note)
    if fault := _fault(count, times):
        return dataclasses.replace(bare, note=f"{fault}: {count.note}" if count.note else fault)
    if count.metric == INSTRUCTIONS:
        return instructions.decided(bare, count, allowed, margin)
    base, candidate = Sample(tuple(count.base)), Sample(tuple(count.candidate))
    if unseen := _unseen(count):
        # An unseen part forbids a verdict and a figure: either would be read as a result.
        note = "; ".join(filter(None, (unseen, count.note)))
        return dataclasses.replace(bare, verdict=Verdict.INCONCLUSIVE, note=note)
    floor = floor_of(count.metric, margin, base.center, candidate.center)
    verdict, note = _judged(base, candidate, allowed, floor)
    return dataclasses.replace(
        bare,
        verdict=verdict,
        base=base.center,
        candidate=candidate.center,
        change=_relative(base.center, candidate.center),
        note="; ".join(filter(None, (note, count.note))),
    )


def _one_sided(count: Count) -> Verdict | None:
    """Return NEW or REMOVED for an operation of one side only; None where the counts contradict its state."""
    if count.state is State.NEW and count.candidate and not count.base:
        return Verdict.NEW
    return Verdict.REMOVED if count.state is State.REMOVED and count.base and not count.candidate else None


def _fault(count: Count, times: int) -> str:
    missing = [side for side, values in (("base", count.base), ("candidate", count.candidate)) if not values]
    if missing:
        return f"no counts for the {' and the '.join(missing)}"
    if times > 1:
        return f"it is recorded {times} times"
    if len(count.base) != len(count.candidate):
        return f"{len(count.base)} repetitions of the base and {len(count.candidate)} of the candidate"
    if count.requests < 1 or not all(
        0 <= value <= LARGEST_NUMBER for value in (*count.base, *count.candidate)
    ):
        return "it holds an implausible count"
    if count.metric == FAILURES and min(*count.base, *count.candidate) >= 1:
        return "every request failed on both sides: no work of the operation was compared"
    return ""


def _unseen(count: Count) -> str:
    """Return the reason why part of the work is not counted; empty where all of it is."""
    share = max(count.base_elsewhere, count.candidate_elsewhere)
    if share <= MOST_ELSEWHERE:
        return count.unseen
    elsewhere = (
        f"{format_percent(share)} of the allocations were made outside of the calls (limit {format_percent(MOST_ELSEWHERE)}),"
        " by threads, tasks or greenlets that belong to no call: work that a call leaves to a queue is not counted."
        " Bind such work with instrument(wrap). Python 3.11 also hides the callers of coroutines that catch a"
        " cancellation: count those with Python 3.12 or newer"
    )
    return "; ".join(filter(None, (elsewhere, count.unseen)))


def _judged(base: Sample, candidate: Sample, allowed: float, floor: float) -> tuple[Verdict, str]:
    growth = compare_exact(base, candidate)
    if growth.low != growth.high:
        return _judged_with_tolerance(base, candidate, growth, allowed, floor)
    least = max(floor, _ROUNDING * max(base.center, candidate.center))
    if abs(growth.change) > least and growth.count == 1:
        return Verdict.INCONCLUSIVE, "counted once: repeatability is unknown"
    if growth.change > allowed + least:
        return Verdict.REGRESSED, ""
    if growth.change < -least:
        return Verdict.IMPROVED, ""
    if growth.change > least:
        return Verdict.OK, "within the allowed amount"
    return Verdict.OK, f"within the floor of {floor:,.4g}" if growth.change and floor else ""


def _judged_with_tolerance(
    base: Sample, candidate: Sample, growth: Growth, allowed: float, floor: float
) -> tuple[Verdict, str]:
    if growth.count < LEAST_REPETITIONS:
        return Verdict.INCONCLUSIVE, f"repetitions differ (at least {LEAST_REPETITIONS} are needed)"
    learnt = max(base.range, candidate.range)
    tolerance = max(learnt, floor)
    source = "range of the repetitions" if learnt >= floor else "floor of the metric"
    note = f"{'; '.join(growth.warnings)}; tolerance {tolerance:,.6g} ({source})"
    if growth.low > tolerance + allowed:
        return Verdict.REGRESSED, note
    if growth.high < -tolerance:
        return Verdict.IMPROVED, note
    scattered = learnt > LARGEST_TOLERANCE * base.center
    return (Verdict.INCONCLUSIVE if scattered else Verdict.OK), note


def _relative(base: float, candidate: float) -> float | None:
    """Return the growth as a share of the base; None for growth from zero."""
    if base == candidate:
        return 0.0
    return (candidate - base) / base if base else None


def _sites(base: Mapping[str, float], candidate: Mapping[str, float]) -> tuple[Site, ...]:
    """Return the functions that contribute to a count, the largest growth first."""
    names = dict.fromkeys((*candidate, *base))
    sites = [Site(name, base.get(name, 0.0), candidate.get(name, 0.0)) for name in names]
    return tuple(sorted(sites, key=lambda site: site.base - site.candidate))
