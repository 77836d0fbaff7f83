"""What a session can and cannot tell, in sentences: its controls, its power, its blind spots, its overhead."""

import statistics
from collections.abc import Iterator, Sequence

from harness.judge.verdict import Comparison, Controls, Judgement, Kind, Verdict
from harness.session.receipt import Receipt, Slices
from harness.units import format_duration
from reports.session.dots import Changes, DotPlot, dot_plot, finite
from reports.shared.changes import change_text, p_text, percent_text
from reports.shared.visible import short
from reports.shared.words import plural

_NS_PER_S = 1e9
_TIMES = ("wall", "cpu")
_LONGEST_NAME = 80


def trust(judgement: Judgement, receipt: Receipt) -> tuple[str, ...]:
    """Return the sentences, what speaks against the verdict first."""
    return tuple(_sentences(judgement, receipt))


def null_plot(controls: Controls) -> DotPlot | None:
    """Return the plot of the base against itself."""
    label = "Change of the base against itself in each block"
    return dot_plot(Changes(controls.null_changes, median=controls.null_change), label)


def _sentences(judgement: Judgement, receipt: Receipt) -> Iterator[str]:
    paired = [one for one in judgement.comparisons if one.kind is Kind.PAIRED and one.counts]
    yield from (f"{reason[:1].upper()}{reason[1:].rstrip('.')}." for reason in judgement.controls.reasons)
    if receipt.blocks or receipt.load_blocks or paired:
        yield _null(judgement.controls)
        yield _rejected(judgement.controls)
    yield from _power(paired)
    if any(one.metric in _TIMES for one in paired):
        yield (
            "Times are medians of short slices: they judge the uncontended path. A slow tail, such as one call in "
            f"fifty that takes ten times as long, is for the load metrics to catch{_load_words(receipt)}."
        )
    if any(one.kind is Kind.EXACT for one in judgement.comparisons):
        yield "What is counted needs no statistics: it repeats, on a busy machine too, or its note says how far it does not."
    yield from _overhead(receipt)


def _null(controls: Controls) -> str:
    if controls.null_change is None:
        return "The base was not measured against itself: nothing shows that equal code measures as equal."
    change = change_text(controls.null_change)
    seen = p_text(controls.null_p) if controls.null_p is not None else "untested"
    blocks = plural(len(controls.null_changes), "block")
    state = "clean" if controls.null_clean else "so times are not to be believed"
    return f"Null control: the base against itself came out at {change} ({seen}, {blocks}), {state}."


def _rejected(controls: Controls) -> str:
    if not controls.bad_blocks:
        return "No block had to be rejected."
    return f"{percent_text(controls.bad_blocks)} of the blocks were rejected, without a look at which side was slower."


def _power(paired: Sequence[Comparison]) -> Iterator[str]:
    known = [one for one in paired if finite([one.detectable])]
    if not known:
        return
    worst = max(known, key=lambda one: one.detectable or 0.0)
    middle = statistics.median(finite(one.detectable for one in known))
    words = f"Such a session finds a change of {percent_text(middle)} 80 times in 100"
    if percent_text(worst.detectable) != percent_text(middle):
        name = short(f"{worst.benchmark} {worst.metric}", _LONGEST_NAME)
        words += f" for half of its paired metrics, and of {percent_text(worst.detectable)} for the least steady, {name}"
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
