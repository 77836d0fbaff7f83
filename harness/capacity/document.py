"""`run.json` of a search for capacity: the settings, every probe, and its end. The answer is computed from it."""

import enum
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from harness.capacity.estimate import Estimate, estimate
from harness.capacity.search import Interval, interval
from harness.capacity.seen import Counts, Seen, Sight
from harness.errors import ExitCode
from harness.policy.thresholds import Level
from harness.stats import crossing
from harness.stats.crossing import NEAR, Point
from harness.storage.folder import SCHEMA
from harness.units import format_rate_in_full

KIND = "capacity"
PROBES = "probes"
"""Name of the folder with the probes' run directories."""
CONFIDENCE = crossing.CONFIDENCE
"""Confidence of the interval of a capacity."""


class Ended(enum.StrEnum):
    """The reason why no further probe was made."""

    SETTLED = "settled"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    REFUSED = "refused"
    """The target cannot be measured."""


class LimitSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one clause of the SLO in one probe.

    `share` is the largest share of calls that may break it; None of a throughput. `variance` is that of `exceeding`,
    from stretches of time, and `slow_effect` the design effect of the slowest calls.
    """

    what: str
    state: str
    sentence: str
    share: float | None = None
    calls: int = 0
    exceeding: int = 0
    variance: float = 0.0
    slow_effect: float = 1.0


class ProbeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One probe; `folder` is its run directory. `metric` is the charted value, in its own unit."""

    folder: str
    rate_per_s: float
    duration_s: float
    seed: int
    confirms: bool
    sight: Sight
    validity: Level
    reasons: list[str] = []
    limits: list[LimitSeen] = []
    planned: int = 0
    completed: int = 0
    answered_per_s: float = 0.0
    """Calls completed within the measured time, per second of it: later responses are a backlog."""
    p50_ns: float | None = None
    p99_ns: float | None = None
    metric: float | None = None


class MetricFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The charted clause: a percentile of the response time in ns, or the share of errors."""

    name: str
    unit: str
    limit: float | None


class CapacityDocument(msgspec.Struct, kw_only=True):
    """`run.json` of a search."""

    schema: int = SCHEMA
    status: str = "running"
    kind: str = KIND
    scenario: str
    target: str
    variant: str
    seed: int
    started_at: str
    command: str
    slos: list[str]
    metric: MetricFacts
    start_per_s: float
    lowest_per_s: float
    most_per_s: float
    tolerance: float
    budget_s: float
    warmup_s: float
    arrivals: str
    environment: dict[str, Any]
    shape: list[str] = []
    probes: list[ProbeFacts] = []
    ended: Ended | None = None
    trouble: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a search, and its reliability. `found` are the rates whose own counts held and broke the SLO."""

    found: Interval
    capacity: Estimate | None
    level: Level
    reasons: tuple[str, ...]
    code: ExitCode


def answer(document: CapacityDocument) -> Answer:
    """Return the answer of a search, finished or not. Total; without a certified rate it never passes."""
    seen = [seen_of(probe) for probe in document.probes]
    found, capacity = interval(seen), estimate(seen)
    reasons = _reasons(document, found, capacity)
    if found.held_per_s is not None or (capacity and capacity.low_per_s is not None):
        level, code = (Level.DEGRADED if reasons else Level.VALID), ExitCode.OK
    elif found.broke_per_s is not None and _reached_the_lowest(document, found):
        level, code = (Level.DEGRADED if reasons else Level.VALID), ExitCode.LIMIT_BROKEN
    else:
        level, code = Level.INVALID, ExitCode.INVALID
    if document.ended is Ended.INTERRUPTED:
        code = ExitCode.INTERRUPTED
    if document.ended is Ended.FAILED:
        code = ExitCode.FAILED
    if document.ended is Ended.REFUSED:
        level, code = Level.INVALID, ExitCode.USAGE
    return Answer(found=found, capacity=capacity, level=level, reasons=tuple(reasons), code=code)


def seen_of(probe: ProbeFacts) -> Seen:
    """Return what a search uses of a probe."""
    counts = [
        Counts(
            limit.what,
            limit.share,
            Point(probe.rate_per_s, limit.calls, limit.exceeding, limit.variance, limit.slow_effect),
        )
        for limit in probe.limits
        if limit.share is not None and _is_possible(probe, limit)
    ]
    return Seen(probe.rate_per_s, probe.sight, tuple(counts))


def _is_possible(probe: ProbeFacts, limit: LimitSeen) -> bool:
    """Return True for counts that a run can have: those of a damaged file are no evidence."""
    share = limit.share or 0.0
    scatter = (limit.variance, limit.slow_effect, probe.rate_per_s)
    are_numbers = all(math.isfinite(value) and value >= 0 for value in scatter)
    return 0 < share < 1 and 0 <= limit.exceeding <= limit.calls > 0 and are_numbers and probe.rate_per_s > 0


def _reached_the_lowest(document: CapacityDocument, found: Interval) -> bool:
    return found.broke_per_s is not None and found.broke_per_s <= document.lowest_per_s


_ENDINGS = {
    None: "The search was cut off: run.json records no end",
    Ended.INTERRUPTED: "The search was interrupted: partial results are shown",
    Ended.BUDGET: "The budget was used up before the search was done",
}


def _reasons(document: CapacityDocument, found: Interval, capacity: Estimate | None) -> list[str]:
    reasons = [_ENDINGS[document.ended]] if document.ended in _ENDINGS else []
    if document.ended in {Ended.FAILED, Ended.REFUSED}:
        reasons.append(f"The search ended early: {document.trouble}")
    if found.wall_per_s is not None:
        reasons.append(
            f"At {format_rate_in_full(found.wall_per_s)} no probe was valid: the target's behaviour from there on is "
            "unknown"
        )
    if capacity is not None:
        return [*reasons, *_of_an_estimate(document, capacity)]
    if found.held_per_s is not None and found.broke_per_s is None:
        reasons.append("No tested rate broke the SLO: the answer has no upper end")
    ends = (
        (found.held_per_s, Sight.HELD, found.held_confirmed),
        (found.broke_per_s, Sight.BROKE, found.broke_confirmed),
    )
    for rate_per_s, sight, is_confirmed in ends:
        if rate_per_s is not None:
            reasons += _of_an_end(document, rate_per_s, sight, is_confirmed=is_confirmed)
    return reasons


def _of_an_estimate(document: CapacityDocument, capacity: Estimate) -> Iterator[str]:
    for end, name in ((capacity.low_per_s, "lower"), (capacity.high_per_s, "upper")):
        if end is None:
            yield f"The counts of the probes give the capacity no {name} bound: use longer probes (--duration)"
    near = [one for one in document.probes if one.sight is not Sight.INVALID and _is_near(one, capacity)]
    if near and {one.validity for one in near} == {Level.DEGRADED}:
        why = "; ".join(near[-1].reasons) or "see their reasons"
        yield f"Every probe near the capacity was degraded: {why}"


def _is_near(probe: ProbeFacts, capacity: Estimate) -> bool:
    return abs(math.log(probe.rate_per_s / capacity.per_s)) < NEAR


def _of_an_end(
    document: CapacityDocument, rate_per_s: float, sight: Sight, *, is_confirmed: bool
) -> Iterator[str]:
    rate = format_rate_in_full(rate_per_s)
    if not is_confirmed:
        yield f"That the SLO {sight} at {rate} was seen only once"
    probes = [one for one in document.probes if (one.rate_per_s, one.sight) == (rate_per_s, sight)]
    if {one.validity for one in probes} == {Level.DEGRADED}:
        why = "; ".join(probes[-1].reasons) or "see their reasons"
        yield f"Every probe that {sight} at {rate} was degraded: {why}"


def as_json(document: CapacityDocument, folder: str, report: str | None) -> dict[str, Any]:
    """Return the document of `harness capacity --json` (schema 1)."""
    told = answer(document)
    return {
        "schema": 1,
        "report": report,
        "dir": folder,
        "scenario": document.scenario,
        "target": document.target,
        "variant": document.variant,
        "seed": document.seed,
        "slo": document.slos,
        "validity": told.level,
        "reasons": list(told.reasons),
        "interrupted": document.ended is Ended.INTERRUPTED,
        "ended": document.ended,
        "capacity": {
            **_estimate_json(told.capacity),
            "held_per_s": told.found.held_per_s,
            "broke_per_s": told.found.broke_per_s,
            "held_confirmed": told.found.held_confirmed,
            "broke_confirmed": told.found.broke_confirmed,
            "wall_per_s": told.found.wall_per_s,
        },
        "probes": [msgspec.to_builtins(probe) for probe in document.probes],
        "exit_code": int(told.code),
    }


def _estimate_json(found: Estimate | None) -> dict[str, Any]:
    return {
        "per_s": found.per_s if found else None,
        "low_per_s": found.low_per_s if found else None,
        "high_per_s": found.high_per_s if found else None,
        "confidence": CONFIDENCE,
        "scatter": found.scatter if found else None,
    }
