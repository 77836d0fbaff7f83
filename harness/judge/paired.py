"""Judge paired evidence: the direction of a benchmark, whether it is cleared, and the verdict.

Changes are signed so that more is worse. `regressed` and `improved` mirror one another, and need fresh blocks. `ok`
means only that the metric is not worse by the margin: an apparent improvement is ok until it is confirmed.
"""

import dataclasses
import enum
from collections.abc import Sequence

from harness.judge.blocks import Quota
from harness.judge.evidence import Evidence, Metric, Pair
from harness.judge.verdict import Comparison, Kind, Verdict
from harness.session.receipt import Phase
from harness.stats import power
from harness.stats.sample import Comparison as Change
from harness.stats.sample import compare_paired

LEAN_ALPHA = 0.05
LEAN_MARGIN = 0.5
"""Thresholds that the screen needs to request confirmation: half the margin, at five times the alpha. Confirmation keeps
the false alarm rate, and an effect that it would find should not be lost here."""


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
    fault: str = ""
    """A defect of the recorded blocks; empty if there is none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """The criteria of one comparison. `p` is that of the fresh blocks after Holm; None without fresh blocks."""

    margin: float
    alpha: float
    p: float | None
    confirm_blocks: int
    withheld: str
    """The reason why the session gives no verdict on times; empty if it gives one."""


def progress(made: Quota, planned: Quota, *, finished: bool, same_policy: bool) -> Progress:
    """Return the missing blocks of each phase: of the screen always, of a later phase once it was begun."""
    short = {
        phase: f"{made.get(phase, 0)} of {planned[phase]} blocks of the phase '{phase}' were made"
        for phase in Phase
        if (phase is Phase.SCREEN or made.get(phase, 0)) and made.get(phase, 0) < planned[phase]
    }
    return Progress(short, finished, same_policy)


def change_of(pairs: Sequence[Pair], metric: Metric) -> Change:
    """Return the change over the blocks, signed so that more is worse. Raises `ValueError` without a block."""
    return compare_paired([metric.worse * pair.change for pair in pairs])


def cleared(change: Change, metric: Metric, margin: float) -> bool:
    """Return True if the metric is certainly not worse by `margin` (a share)."""
    return change.high < metric.scale.margin(margin)


def lean(evidence: Evidence, margin: float) -> Lean:
    """Return the direction of the screened blocks; a cleared metric cannot point to worse."""
    if evidence.trouble or not evidence.screened:
        return Lean.NEITHER
    change, least = (
        change_of(evidence.screened, evidence.metric),
        LEAN_MARGIN * evidence.metric.scale.margin(margin),
    )
    if change.change >= least and _at_most(change.p_greater, LEAN_ALPHA):
        return Lean.NEITHER if cleared(change, evidence.metric, margin) else Lean.WORSE
    return Lean.BETTER if change.change <= -least and _at_most(change.p_less, LEAN_ALPHA) else Lean.NEITHER


def undecided(evidence: Evidence, margin: float) -> bool:
    """Return True if more blocks of the same kind would help: the metric is neither cleared nor a candidate."""
    if evidence.trouble or not evidence.screened or lean(evidence, margin):
        return False
    return not cleared(change_of(evidence.screened, evidence.metric), evidence.metric, margin)


def fresh_p(evidence: Evidence, margin: float) -> float | None:
    """Return the one-sided p of the fresh blocks in the direction of the screen; None if none are needed or made."""
    leaning = lean(evidence, margin)
    if not leaning or not evidence.confirmed:
        return None
    fresh = change_of(evidence.confirmed, evidence.metric)
    return fresh.p_greater if leaning is Lean.WORSE else fresh.p_less


def decide(evidence: Evidence, terms: Terms, made: Progress) -> Comparison:
    """Return the verdict on one metric of one benchmark."""
    leaning = lean(evidence, terms.margin)
    on_fresh = terms.p is not None
    pairs = evidence.confirmed if on_fresh else evidence.screened
    change = change_of(pairs, evidence.metric) if pairs else None
    verdict, note = _unjudged(evidence, terms, made, leaning, on_fresh=on_fresh)
    if verdict is None and change is not None:
        verdict, note = _judged(evidence.metric, change, terms, leaning)
    return _comparison(evidence, pairs, change, terms, verdict or Verdict.INVALID, note)


def _unjudged(
    evidence: Evidence, terms: Terms, made: Progress, leaning: Lean, *, on_fresh: bool
) -> tuple[Verdict | None, str]:
    """Return the verdict of data that cannot be tested, with the reason; None if it can."""
    phases = (Phase.SCREEN, Phase.CONFIRM) if on_fresh else (Phase.SCREEN, Phase.EXTEND)
    short = next((made.short[phase] for phase in phases if phase in made.short), "")
    missing = Verdict.INVALID if made.finished else Verdict.INCONCLUSIVE
    unconfirmed = (
        "appears worse, and was not remeasured on fresh blocks"
        if leaning is Lean.WORSE and not on_fresh
        else ""
    )
    in_order: tuple[tuple[str, Verdict], ...] = (
        (made.fault, Verdict.INVALID),
        (evidence.trouble, Verdict.INVALID),
        (short, missing),
        (terms.withheld, Verdict.INCONCLUSIVE),
        ("" if evidence.screened else "no block measured it", Verdict.INVALID),
        (evidence.thin, Verdict.INCONCLUSIVE),
        (unconfirmed, missing if made.same_policy else Verdict.INCONCLUSIVE),
    )
    return next(((verdict, note) for note, verdict in in_order if note), (None, ""))


def _judged(metric: Metric, change: Change, terms: Terms, leaning: Lean) -> tuple[Verdict, str]:
    margin = metric.scale.margin(terms.margin)
    if _at_most(terms.p, terms.alpha) and leaning * change.change >= margin:
        return (Verdict.REGRESSED if leaning is Lean.WORSE else Verdict.IMPROVED), ""
    unconfirmed = "the screen's change was not confirmed on fresh blocks" if terms.p is not None else ""
    if change.high < margin:
        return Verdict.OK, unconfirmed
    return Verdict.INCONCLUSIVE, unconfirmed or next(iter(change.warnings), "")


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
        note=note,
    )
    if change is None:
        return bare
    low, high = sorted((metric.worse * change.low, metric.worse * change.high))
    spread = power.spread_of([pair.change for pair in pairs])
    return dataclasses.replace(
        bare,
        base=_median([pair.base for pair in pairs]),
        candidate=_median([pair.candidate for pair in pairs]),
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
    blocks = max(0, min(terms.confirm_blocks, power.MOST_BLOCKS))
    found = power.detectable(blocks, spread, terms.alpha, metric.scale.margin(terms.margin))
    return None if found is None else metric.scale.share(found)


def _needed(metric: Metric, change: Change, spread: float | None, terms: Terms) -> int | None:
    margin = metric.scale.margin(terms.margin)
    if spread is None:
        return None
    if abs(change.change) > margin:
        return power.blocks_to_confirm(abs(change.change), spread, terms.alpha, margin)
    return power.blocks_to_clear(change.change, spread, margin)


def _shares(pairs: Sequence[Pair], metric: Metric) -> tuple[float, ...]:
    return tuple(metric.scale.share(pair.change) for pair in pairs)


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[len(ordered) // 2] + ordered[(len(ordered) - 1) // 2]) / 2


def _at_most(p: float | None, alpha: float) -> bool:
    return p is not None and p <= alpha
