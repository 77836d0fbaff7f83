"""Describe what a session can and cannot show: its controls, its power, its blind spots, its overhead."""

import statistics
from collections.abc import Iterator, Sequence

from harness.exact.metrics import INSTRUCTIONS
from harness.judge.instructions import BLIND
from harness.judge.metrics import WALL
from harness.judge.verdict import Comparison, Controls, Judgement, Kind, Verdict
from harness.session.receipt import Receipt, Rule, Slices
from harness.units import format_duration
from reports.session.dots import Changes, DotPlot, dot_plot, finite
from reports.shared.changes import change_text, p_text, percent_text
from reports.shared.visible import short
from reports.shared.words import plural

_NS_PER_S = 1e9
_METHODS = {
    Rule.SEQUENTIAL: "Each benchmark was measured until its evidence decided. Intervals hold at every look at the data "
    "(each end 95 %), and so does p.",
    Rule.FIXED: "The policy fixed the number of blocks; p is that of the signed-rank test.",
}
_WHO_DECIDES = (
    "wall (the usual call) decides, and cpu_mean (CPU time of all calls, rare slow ones too) where calls mostly compute; "
    "wall_mean, first calls, imports and idle CPU are only watched: they never make a session longer, and count once fresh "
    "blocks confirm a change."
)
_LONGEST_NAME = 80


def trust(judgement: Judgement, receipt: Receipt) -> tuple[str, ...]:
    """Return the sentences, those against the verdict first."""
    return tuple(_sentences(judgement, receipt))


def null_plot(controls: Controls) -> DotPlot | None:
    """Return the plot of the A/A check (base against itself)."""
    label = "Change of the base against itself in each block"
    return dot_plot(Changes(controls.null_changes, median=controls.null_change), label)


def _sentences(judgement: Judgement, receipt: Receipt) -> Iterator[str]:
    paired = [one for one in judgement.comparisons if one.kind is Kind.PAIRED and one.counts]
    yield from (f"{reason[:1].upper()}{reason[1:].rstrip('.')}." for reason in judgement.controls.reasons)
    if receipt.blocks or receipt.load_blocks or paired:
        yield _null(judgement.controls)
        yield from _discarded(judgement.controls)
    yield from _power(paired)
    if paired:
        yield _METHODS[receipt.plan.rule]
    if any(one.metric == WALL.name for one in paired):
        yield _WHO_DECIDES
        yield f"Rare calls that wait show in wall_mean alone: percentiles under load judge them{_load_words(receipt)}."
    if any(one.metric == INSTRUCTIONS for one in judgement.comparisons):
        yield f"Instructions are the work of a call, counted by Valgrind. They do not see {BLIND}."
    if any(one.kind is Kind.EXACT for one in judgement.comparisons):
        yield "Counts need no statistics: they repeat, on a busy machine too. Where they do not, a note says by how much they vary."
    yield from _overhead(receipt)


def _null(controls: Controls) -> str:
    if controls.null_change is None:
        return "No A/A check: the base was not measured against itself."
    change = change_text(controls.null_change)
    seen = p_text(controls.null_p) if controls.null_p is not None else "untested"
    blocks = plural(len(controls.null_changes), "block")
    passed, ending = ("passed", "") if controls.null_clean else ("failed", ": do not trust the times")
    return f"A/A check {passed}: the base against itself changed by {change} ({seen}, {blocks}){ending}."


def _discarded(controls: Controls) -> Iterator[str]:
    if controls.bad_blocks:
        yield f"{percent_text(controls.bad_blocks)} of the blocks were discarded blind, before the sides were compared."


def _power(paired: Sequence[Comparison]) -> Iterator[str]:
    known = [one for one in paired if finite([one.detectable]) and not one.watched]
    if not known:
        return
    worst = max(known, key=lambda one: one.detectable or 0.0)
    middle = statistics.median(finite(one.detectable for one in known))
    words = f"Minimum detectable effect (80 % power): {percent_text(middle)}"
    if percent_text(worst.detectable) != percent_text(middle):
        name = short(f"{worst.benchmark} {worst.metric}", _LONGEST_NAME)
        words += f" for half of the paired metrics, {percent_text(worst.detectable)} for the noisiest, {name}"
    yield f"{words}; a change of exactly the margin is caught half the time."
    if any(one.verdict is Verdict.REGRESSED for one in paired):
        yield "A paired regression was seen in one set of blocks and confirmed in another."


def _load_words(receipt: Receipt) -> str:
    return ", which this session has" if receipt.load_blocks else ", and this session had no load suite"


def _overhead(receipt: Receipt) -> Iterator[str]:
    measured_s = sum(_slice_seconds(one) for block in receipt.blocks for one in block.slices.values())
    whole_s = measured_s + receipt.harness_seconds
    if receipt.harness_seconds <= 0 or whole_s <= 0 or not receipt.blocks:
        return
    yield (
        f"Measuring took {format_duration(round(measured_s))}; the harness took "
        f"{format_duration(round(receipt.harness_seconds))} beside it ({receipt.harness_seconds / whole_s:.0%}) to "
        "start processes, import, warm up and write."
    )


def _slice_seconds(slices: Slices) -> float:
    return (sum(slices.base_ns) + sum(slices.candidate_ns)) / _NS_PER_S
