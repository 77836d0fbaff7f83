"""What paired evidence says: which way a benchmark leans, whether it is cleared, and the verdict.

Changes are turned so that more is worse. `regressed` and `improved` mirror one another, and need fresh blocks. `ok`
says only that the metric is not worse by the margin: a benchmark that looks better is ok until that is confirmed.
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
"""What the screen hands to confirmation: half the margin, at five times the alpha. Confirmation raises no false alarm
for it, and an effect that confirmation would find should not be lost here."""


class Lean(enum.IntEnum):
    """Which way the screened blocks point, strongly enough to be confirmed."""

    BETTER = -1
    NEITHER = 0
    WORSE = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How much of its plan a suite carried out. `short` names what is missing from a phase that was begun."""

    short: dict[Phase, str]
    finished: bool
    same_policy: bool
    """True if the session itself was run under the policy that judges, and so confirmed every candidate."""
    fault: str = ""
    """What is wrong with the record of the blocks; empty if nothing is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """What one comparison is held to. `p` is that of the fresh blocks after Holm; None if it has none."""

    margin: float
    alpha: float
    p: float | None
    confirm_blocks: int
    withheld: str
    """Why no verdict on times is given in this session; empty if it is."""


def progress(made: Quota, planned: Quota, *, finished: bool, same_policy: bool) -> Progress:
    """Return what is missing from the phases: any block of the screen, and of a later phase that was begun."""
    short = {
        phase: f"only {made.get(phase, 0)} of {planned[phase]} blocks of the phase '{phase}' were made"
        for phase in Phase
        if (phase is Phase.SCREEN or made.get(phase, 0)) and made.get(phase, 0) < planned[phase]
    }
    return Progress(short, finished, same_policy)


def change_of(pairs: Sequence[Pair], metric: Metric) -> Change:
    """Return the change over the blocks, turned so that more is worse. Raises `ValueError` without a block."""
    return compare_paired([metric.worse * pair.change for pair in pairs])


def cleared(change: Change, metric: Metric, margin: float) -> bool:
    """Return True if the metric is not worse by `margin` (a share)."""
    return change.high < metric.scale.margin(margin)


def lean(evidence: Evidence, margin: float) -> Lean:
    """Return which way the screened blocks point; what is cleared cannot point to worse."""
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
    """Return True if more blocks of the same kind would help: neither cleared nor leaning."""
    if evidence.trouble or not evidence.screened or lean(evidence, margin):
        return False
    return not cleared(change_of(evidence.screened, evidence.metric), evidence.metric, margin)


def fresh_p(evidence: Evidence, margin: float) -> float | None:
    """Return the one-sided p of the fresh blocks in the direction of the screen; None if they are not in question."""
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
    """Return why there is no verdict on the numbers; None if there is one."""
    phases = (Phase.SCREEN, Phase.CONFIRM) if on_fresh else (Phase.SCREEN, Phase.EXTEND)
    short = next((made.short[phase] for phase in phases if phase in made.short), "")
    missing = Verdict.INVALID if made.finished else Verdict.INCONCLUSIVE
    unconfirmed = "looks worse, and was not measured again" if leaning is Lean.WORSE and not on_fresh else ""
    in_order: tuple[tuple[str, Verdict], ...] = (
        (made.fault, Verdict.INVALID),
        (evidence.trouble, Verdict.INVALID),
        (short, missing),
        (terms.withheld, Verdict.INCONCLUSIVE),
        ("" if evidence.screened else "no block holds it", Verdict.INVALID),
        (evidence.thin, Verdict.INCONCLUSIVE),
        (unconfirmed, missing if made.same_policy else Verdict.INCONCLUSIVE),
    )
    return next(((verdict, note) for note, verdict in in_order if note), (None, ""))


def _judged(metric: Metric, change: Change, terms: Terms, leaning: Lean) -> tuple[Verdict, str]:
    margin = metric.scale.margin(terms.margin)
    if _at_most(terms.p, terms.alpha) and leaning * change.change >= margin:
        return (Verdict.REGRESSED if leaning is Lean.WORSE else Verdict.IMPROVED), ""
    unconfirmed = "what the screen showed was not confirmed on fresh blocks" if terms.p is not None else ""
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
