"""Judge paired evidence: the direction of a benchmark, whether it is cleared, and the verdict.

Changes are signed so that more is worse. `regressed` and `improved` mirror one another, and need fresh blocks. `ok`
means only that the metric is not worse by the margin: an apparent improvement is ok until it is confirmed.
"""

import dataclasses
import enum
import statistics
from collections.abc import Sequence

from harness.judge.blocks import Quota
from harness.judge.gathering import Evidence, Pair
from harness.judge.metrics import Metric
from harness.judge.verdict import Comparison, Kind, Verdict
from harness.session.receipt import Phase, Rule
from harness.stats import power
from harness.stats.sample import Comparison as Change
from harness.stats.sequential import compare_sequentially, e_value
from harness.stats.signed_rank import compare_by_ranks

LEAN_ALPHA = {Rule.SEQUENTIAL: 0.2, Rule.FIXED: 0.05}
LEAN_MARGIN = 0.5
"""Thresholds that the screen needs to request confirmation: half the margin, and a weak test (an e-value of 5 asks for seven
of eight blocks). Confirmation keeps the false alarm rate, and an effect that it would find should not be lost here."""
_COMPARE = {Rule.SEQUENTIAL: compare_sequentially, Rule.FIXED: compare_by_ranks}


class Lean(enum.IntEnum):
    """The direction of the screened blocks, where it is strong enough to be confirmed."""

    BETTER = -1
    NEITHER = 0
    WORSE = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """The completed part of a suite's plan. `short` names the missing blocks of each phase that was begun."""

    short: dict[Phase, str]
    finished: bool
    same_policy: bool
    """True if the session itself used the policy that judges, and so confirmed every candidate."""
    least: int = 1
    """Usable blocks of the screen that a verdict needs."""
    fault: str = ""
    """A defect of the recorded blocks; empty if there is none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """The criteria of one comparison, on the rule of its session.

    `p` is that of the fresh blocks with all candidates taken into account; None for a metric that is no candidate, or without fresh blocks.
    `design` are the confirming blocks of such a session.
    """

    margin: float
    alpha: float
    rule: Rule
    p: float | None
    design: power.Design
    withheld: str = ""
    """The reason why the session gives no verdict on times; empty if it gives one."""
    is_candidate: bool = True
    """False if a metric that decides stands for this one in the confirmation."""


def progress(made: Quota, planned: Quota, *, finished: bool, same_policy: bool) -> Progress:
    """Return the missing blocks of each phase: of the screen always, of the confirmation once it was begun."""
    short = {
        phase: f"{made.get(phase, 0)} of {planned[phase]} blocks of the phase '{phase}' were made"
        for phase in Phase
        if (phase is Phase.SCREEN or made.get(phase, 0)) and made.get(phase, 0) < planned[phase]
    }
    return Progress(short, finished, same_policy)


def change_of(pairs: Sequence[Pair], metric: Metric, rule: Rule) -> Change:
    """Return the change over the blocks, signed so that more is worse. Raises `ValueError` without a block."""
    return _COMPARE[rule]([metric.worse * pair.change for pair in pairs])


def cleared(change: Change, metric: Metric, margin: float) -> bool:
    """Return True if the metric is certainly not worse by `margin` (a share)."""
    return change.high < metric.scale.margin(margin)


def lean(evidence: Evidence, margin: float, rule: Rule) -> Lean:
    """Return the direction of the screened blocks; a cleared metric cannot point to worse."""
    metric = evidence.metric
    if evidence.trouble or evidence.thin or not evidence.screened or _below_floor(evidence.screened, metric):
        return Lean.NEITHER
    change = change_of(evidence.screened, metric, rule)
    least = LEAN_MARGIN * metric.scale.margin(margin)
    if change.change >= least and _at_most(change.p_greater, LEAN_ALPHA[rule]):
        return Lean.NEITHER if cleared(change, metric, margin) else Lean.WORSE
    return (
        Lean.BETTER if change.change <= -least and _at_most(change.p_less, LEAN_ALPHA[rule]) else Lean.NEITHER
    )


def undecided(evidence: Evidence, margin: float, rule: Rule) -> bool:
    """Return True if more blocks of the screen would help: the metric decides, and is neither cleared nor a candidate."""
    if evidence.metric.watched or evidence.trouble or evidence.thin or not evidence.screened:
        return False
    if lean(evidence, margin, rule):
        return False
    return not cleared(change_of(evidence.screened, evidence.metric, rule), evidence.metric, margin)


def fresh_e(evidence: Evidence, leaning: Lean) -> float:
    """Return the evidence of the fresh blocks for the direction of the screen; 1 without blocks."""
    worse = leaning * evidence.metric.worse
    return e_value(sum(worse * pair.change > 0 for pair in evidence.confirmed), len(evidence.confirmed))


def fresh_p(evidence: Evidence, leaning: Lean) -> float:
    """Return the one-sided p of a fixed number of fresh blocks in the direction of the screen; 1 without blocks."""
    if not evidence.confirmed:
        return 1.0
    fresh = compare_by_ranks([leaning * evidence.metric.worse * pair.change for pair in evidence.confirmed])
    return fresh.p_greater or 0.0


def confirmed(evidence: Evidence, leaning: Lean, terms: Terms) -> bool:
    """Return True if the fresh blocks confirm the screen's direction, by the margin."""
    if not _at_most(terms.p, terms.alpha):
        return False
    change = change_of(evidence.confirmed, evidence.metric, terms.rule)
    return leaning * change.change >= evidence.metric.scale.margin(terms.margin)


def refuted(evidence: Evidence, leaning: Lean, terms: Terms) -> bool:
    """Return True if the fresh blocks exclude a change of the margin in the screen's direction."""
    if not evidence.confirmed:
        return False
    change, margin = (
        change_of(evidence.confirmed, evidence.metric, terms.rule),
        evidence.metric.scale.margin(terms.margin),
    )
    return change.high < margin if leaning is Lean.WORSE else change.low > -margin


def decide(evidence: Evidence, terms: Terms, made: Progress) -> Comparison:
    """Return the verdict on one metric of one benchmark."""
    leaning = lean(evidence, terms.margin, terms.rule)
    on_fresh = terms.p is not None
    pairs = evidence.confirmed if on_fresh else evidence.screened
    change = change_of(pairs, evidence.metric, terms.rule) if pairs else None
    verdict, note = _unjudged(evidence, terms, made, leaning, on_fresh=on_fresh)
    if verdict is None and change is not None:
        verdict, note = _judged(evidence, change, terms, leaning)
    found = _comparison(evidence, pairs, change, terms, verdict or Verdict.INVALID, note)
    # A watched metric that nothing is known about is shown, and asks for nothing.
    is_open = evidence.metric.watched and found.verdict is Verdict.INCONCLUSIVE
    return dataclasses.replace(found, counts=False) if is_open else found


def _unjudged(
    evidence: Evidence, terms: Terms, made: Progress, leaning: Lean, *, on_fresh: bool
) -> tuple[Verdict | None, str]:
    """Return the verdict of data that cannot be tested, with the reason; None if it can."""
    phases = (Phase.SCREEN, Phase.CONFIRM) if on_fresh else (Phase.SCREEN,)
    short = next((made.short[phase] for phase in phases if phase in made.short), "")
    missing = Verdict.INVALID if made.finished else Verdict.INCONCLUSIVE
    few = (
        f"{len(evidence.screened)} usable blocks of at least {made.least}"
        if len(evidence.screened) < made.least
        else ""
    )
    in_order: tuple[tuple[str, Verdict], ...] = (
        (made.fault, Verdict.INVALID),
        (evidence.trouble, Verdict.INVALID),
        (short, missing),
        (terms.withheld, Verdict.INCONCLUSIVE),
        ("" if evidence.screened or evidence.thin else "no block measured it", Verdict.INVALID),
        (evidence.thin, Verdict.INCONCLUSIVE),
        (few, Verdict.INCONCLUSIVE),
        *_unconfirmed(evidence, terms, made, leaning, on_fresh=on_fresh),
    )
    return next(((verdict, note) for note, verdict in in_order if note), (None, ""))


def _unconfirmed(
    evidence: Evidence, terms: Terms, made: Progress, leaning: Lean, *, on_fresh: bool
) -> tuple[tuple[str, Verdict], ...]:
    """Return why a metric that appears worse has no fresh blocks of its own, with the verdict of that."""
    if leaning is not Lean.WORSE or on_fresh:
        return ()
    if not terms.is_candidate:
        note = "appears worse; another metric of the benchmark stands for it in the confirmation"
        return ((note, Verdict.INCONCLUSIVE),)
    missing = made.finished and made.same_policy and not evidence.metric.watched
    return (
        (
            "appears worse, and was not remeasured on fresh blocks",
            Verdict.INVALID if missing else Verdict.INCONCLUSIVE,
        ),
    )


def _judged(evidence: Evidence, change: Change, terms: Terms, leaning: Lean) -> tuple[Verdict, str]:
    metric = evidence.metric
    if confirmed(evidence, leaning, terms):
        return (Verdict.REGRESSED if leaning is Lean.WORSE else Verdict.IMPROVED), ""
    unconfirmed = "the screen's change was not confirmed on fresh blocks" if terms.p is not None else ""
    if change.high < metric.scale.margin(terms.margin):
        return Verdict.OK, unconfirmed
    if _below_floor(evidence.screened, metric):
        return Verdict.OK, f"it differs by less than {metric.floor / 1e6:g} ms"
    return Verdict.INCONCLUSIVE, unconfirmed or next(iter(change.warnings), "")


def _below_floor(pairs: Sequence[Pair], metric: Metric) -> bool:
    """Return True if the typical difference of the sides is too small to matter, whatever its share."""
    if not metric.floor:
        return False
    return abs(statistics.median(pair.candidate - pair.base for pair in pairs)) < metric.floor


def _comparison(
    evidence: Evidence,
    pairs: Sequence[Pair],
    change: Change | None,
    terms: Terms,
    verdict: Verdict,
    note: str,
) -> Comparison:
    metric = evidence.metric
    bare = Comparison(
        evidence.benchmark,
        metric.name,
        Kind.PAIRED,
        verdict,
        unit=metric.unit,
        margin=terms.margin,
        watched=metric.watched,
        note=note,
    )
    if change is None:
        return bare
    low, high = sorted((metric.worse * change.low, metric.worse * change.high))
    spread = power.spread_of([pair.change for pair in pairs])
    return dataclasses.replace(
        bare,
        base=statistics.median(pair.base for pair in pairs),
        candidate=statistics.median(pair.candidate for pair in pairs),
        change=metric.scale.share(metric.worse * change.change),
        low=metric.scale.share(low) if change.coverage < 1 else None,
        high=metric.scale.share(high) if change.coverage < 1 else None,
        blocks=len(pairs),
        p=terms.p if terms.p is not None else change.p_two_sided,
        detectable=_detectable(metric, spread, terms),
        blocks_needed=_needed(metric, change, spread, terms) if verdict is Verdict.INCONCLUSIVE else None,
        changes=_shares(pairs, metric),
        screened=_shares(evidence.screened, metric) if terms.p is not None else (),
    )


def _detectable(metric: Metric, spread: float | None, terms: Terms) -> float | None:
    if spread is None:
        return None
    found = power.detectable(terms.design, power.SPREAD_BIAS * spread, metric.scale.margin(terms.margin))
    return None if found is None else metric.scale.share(found)


def _needed(metric: Metric, change: Change, spread: float | None, terms: Terms) -> int | None:
    margin = metric.scale.margin(terms.margin)
    if spread is None:
        return None
    wide = power.SPREAD_BIAS * spread
    if abs(change.change) > margin:
        return power.blocks_to_confirm(abs(change.change), wide, terms.alpha, margin)
    return power.blocks_to_clear(change.change, wide, margin)


def _shares(pairs: Sequence[Pair], metric: Metric) -> tuple[float, ...]:
    return tuple(metric.scale.share(pair.change) for pair in pairs)


def _at_most(p: float | None, alpha: float) -> bool:
    return p is not None and p <= alpha
