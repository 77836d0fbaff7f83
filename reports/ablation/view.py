"""Rows of an ablation to their view: what is worth something, in which order, and what cannot be told from nothing."""

import enum
import math
from collections.abc import Iterable, Sequence

from harness.judge.verdict import Verdict
from reports.ablation.model import AblationRow, AblationView
from reports.charts.data import Chart, IntervalPlot, IntervalRow
from reports.model import Cell, NextCommand, Row, Table, Tone
from reports.session.words import change_text, interval_text, plural
from reports.visible import short

_COLUMNS = ("operation", "metric", "worth", "interval", "reading")
_LONGEST_NAME = 60
_METHOD = (
    "Each row compares everything on with everything on but that one switch, in one session: blocks in random order, as "
    "in any comparison. Worth is what the metric grows by without the switch."
)
_LIMITS = (
    "Switches work together: what one is worth beside all others says nothing of what it would be worth alone, and the "
    "rows do not add up."
)


class Effect(enum.StrEnum):
    """What a row shows."""

    SAVES = "saves"
    COSTS = "costs more than it saves"
    NONE = "no measurable effect"
    UNKNOWN = "not measured"


def effect(row: AblationRow) -> Effect:
    """Return what a row shows: nothing where the interval holds zero, or where an exact count did not move."""
    if row.worth is None or not math.isfinite(row.worth) or row.verdict is Verdict.INVALID:
        return Effect.UNKNOWN
    low = row.worth if row.low is None else row.low
    high = row.worth if row.high is None else row.high
    if low > 0:
        return Effect.SAVES
    return Effect.COSTS if high < 0 else Effect.NONE


def build_ablation(
    rows: Iterable[AblationRow], subtitle: str = "", title: str = "What each optimisation is worth"
) -> AblationView:
    """Return the view; total for any rows."""
    ordered = sorted(rows, key=_order)
    best = _best(ordered)
    return AblationView(
        title=title,
        subtitle=subtitle,
        sentence=_sentence(best),
        trust=(_METHOD, _LIMITS),
        summary=_table("summary", "Where each switch matters most", best),
        table=_table("rows", "Every operation and metric", ordered),
        charts=_charts(best),
        next_command=NextCommand(
            "harness ablate --budget 30m", "tell smaller effects from nothing, with more blocks"
        ),
    )


def _order(row: AblationRow) -> tuple[bool, float]:
    """Return what sorts by worth, the largest first, with what was not measured at the end."""
    is_unknown = effect(row) is Effect.UNKNOWN
    return is_unknown, 0.0 if is_unknown else -(row.worth or 0.0)


def _best(ordered: Sequence[AblationRow]) -> list[AblationRow]:
    """Return the row of each switch with the largest effect; one that shows none only if no other does."""
    strength = {Effect.SAVES: 2, Effect.COSTS: 2, Effect.NONE: 1, Effect.UNKNOWN: 0}
    best: dict[str, AblationRow] = {}
    for row in ordered:
        rank = (strength[effect(row)], abs(row.worth or 0.0))
        other = best.get(row.switch)
        if other is None or rank > (strength[effect(other)], abs(other.worth or 0.0)):
            best[row.switch] = row
    return sorted(best.values(), key=_order)


def _sentence(best: Sequence[AblationRow]) -> str:
    if not best:
        return "Nothing was measured."
    saving = [row for row in best if effect(row) is Effect.SAVES]
    words = f"{len(saving)} of {plural(len(best), 'switch', 'switches')} save something that can be measured"
    if saving:
        words += f"; the most: {_name(saving[0].switch)}, without which {_of(saving[0])} grows by {_amount(saving[0])}"
    for kind, phrase in (
        (Effect.COSTS, "costing more than they save"),
        (Effect.NONE, "without a measurable effect"),
        (Effect.UNKNOWN, "not measured"),
    ):
        names = [_name(row.switch) for row in best if effect(row) is kind]
        words += f"; {phrase}: {', '.join(names)}" if names else ""
    return f"{words}."


def _name(text: str) -> str:
    return short(text, _LONGEST_NAME)


def _of(row: AblationRow) -> str:
    return f"{_name(row.metric)} of {_name(row.operation)}"


def _amount(row: AblationRow) -> str:
    interval = interval_text(row.low, row.high)
    return f"{change_text(row.worth).removeprefix('+')} ({interval or 'counted exactly'})"


def _table(key: str, title: str, rows: Sequence[AblationRow]) -> Table:
    notes = tuple(f"{row.switch}, {row.operation} {row.metric}: {row.note}" for row in rows if row.note)
    return Table(key, title, _COLUMNS, tuple(map(_row, rows)), "Switch", notes, numeric=False)


def _row(row: AblationRow) -> Row:
    shown = effect(row)
    tone = {Effect.SAVES: Tone.BETTER, Effect.COSTS: Tone.WORSE}.get(shown, Tone.SIMILAR)
    is_known = shown is not Effect.UNKNOWN
    interval = interval_text(row.low, row.high) or "counted exactly"
    cells = (
        Cell(row.operation),
        Cell(row.metric),
        Cell(change_text(row.worth) if is_known else "–", row.worth if is_known else None),
        Cell(interval if is_known else "–"),
        Cell(str(shown), tone=tone),
    )
    return Row(row.switch, cells)


def _charts(rows: Sequence[AblationRow]) -> tuple[Chart, ...]:
    shown = tuple(_interval(row) for row in rows if effect(row) is not Effect.UNKNOWN)
    if not shown:
        return ()
    caption = (
        "What the metric grows by without the switch, with its interval, on a scale of ratios. Hollow: the interval holds "
        "zero, so there is no measurable effect."
    )
    plot = IntervalPlot(shown, "growth without the switch")
    return (Chart("ablation", "What each switch is worth where it matters most", caption, plot),)


def _interval(row: AblationRow) -> IntervalRow:
    worth = row.worth or 0.0
    return IntervalRow(
        f"{row.switch} · {row.operation} {row.metric}",
        worth,
        worth if row.low is None else row.low,
        worth if row.high is None else row.high,
        change_text(worth),
        is_clear=effect(row) in {Effect.SAVES, Effect.COSTS},
    )
