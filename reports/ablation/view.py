"""Build the view of an ablation: effects in order, and those below the detection limit."""

import enum
import math
from collections.abc import Iterable, Mapping, Sequence

from harness.exact.metrics import ALLOCATIONS, PEAK_BYTES, unit_of
from harness.judge.ablation import AblationRow
from harness.judge.metrics import WALL
from harness.judge.verdict import Verdict
from harness.units import format_percent, lower_first
from reports.ablation.model import AblationView
from reports.charts.data import Chart, IntervalPlot, IntervalRow
from reports.shared.changes import change_text, interval_text
from reports.shared.model import Cell, NextCommand, Row, Table, Tone
from reports.shared.visible import short
from reports.shared.words import plural

_COLUMNS = ("operation", "metric", "worth", "interval", "reading")
_AGAINST = "but"
_PROSE = ("operation", "metric", "reading", _AGAINST)
_LONGEST_NAME = 60
_METHOD = (
    "Each row compares everything on with everything on but that one switch, in one session: blocks in random order, as "
    "in any comparison. Worth is what the metric grows by without the switch. Cold: without caches, on stores that wait."
)
_LIMITS = (
    "A switch is shown by what it does to time; where it does nothing measurable to that, by calls to back ends, then "
    "data, then memory. Switches work together: what one is worth beside all others says nothing of what it would be worth alone, and the "
    "rows do not add up."
)


class Effect(enum.StrEnum):
    """Kind of effect that a row shows."""

    SAVES = "saves"
    COSTS = "costs"
    NONE = "no measurable effect"
    UNKNOWN = "not measured"


class Resource(enum.IntEnum):
    """Resource of a metric, in the order of importance to a user."""

    TIME = 0
    BACK_END = 1
    DATA = 2
    MEMORY = 3

    @classmethod
    def of(cls, metric: str) -> "Resource":
        """Return the resource of a metric; an unknown metric counts as work of a back end."""
        cost = metric.partition(".")[0]
        if metric == WALL.name:
            return cls.TIME
        if cost in {ALLOCATIONS, PEAK_BYTES}:
            return cls.MEMORY
        return cls.DATA if unit_of(metric) == "bytes" else cls.BACK_END


def effect(row: AblationRow) -> Effect:
    """Return the effect of a row: none where the interval contains zero or a count moved no more than by itself."""
    if row.worth is None or not math.isfinite(row.worth) or row.verdict is Verdict.INVALID:
        return Effect.UNKNOWN
    if row.low is None and row.high is None and row.verdict is Verdict.OK:
        return Effect.NONE
    low = row.worth if row.low is None else row.low
    high = row.worth if row.high is None else row.high
    if low > 0:
        return Effect.SAVES
    return Effect.COSTS if high < 0 else Effect.NONE


def build_ablation(
    rows: Iterable[AblationRow],
    subtitle: str = "",
    title: str = "What each optimisation is worth",
    disturbed_share: float = 0.0,
    ended_early: str = "",
) -> AblationView:
    """Return the view of any rows. `disturbed_share` is the share of blocks disturbed by the machine.

    `ended_early` states what was not measured: `Interrupted after 3 of 34 sessions`.
    """
    ordered = sorted(rows, key=_order)
    best = _best(ordered)
    return AblationView(
        title=title,
        subtitle=subtitle,
        sentence=f"{ended_early}: {lower_first(_sentence(best))}" if ended_early else _sentence(best),
        trust=(_METHOD, *_disturbed(disturbed_share), _LIMITS),
        summary=_table("summary", "Where each switch matters most", best, _prices(best, ordered)),
        table=_table("rows", "Every operation and metric", ordered),
        charts=_charts(best),
        next_command=_next(best, ended_early),
    )


def _next(best: Sequence[AblationRow], ended_early: str) -> NextCommand:
    if ended_early:
        return NextCommand("harness ablate", "measure every switch")
    if all(effect(row) is Effect.UNKNOWN for row in best):
        return NextCommand("harness doctor", "see what this machine can measure, and what disturbs it")
    return NextCommand("harness ablate --budget 30m", "tell smaller effects from nothing, with more blocks")


def _disturbed(share: float) -> tuple[str, ...]:
    words = (
        f"The machine disturbed {format_percent(share)} of the blocks. They count: both sides met the disturbance in random "
        "order, so it widens the intervals and favours neither."
    )
    return (words,) if share else ()


def _order(row: AblationRow) -> tuple[bool, float]:
    """Return the sort key of a row: the largest effect first, unmeasured rows last."""
    is_unknown = effect(row) is Effect.UNKNOWN
    return is_unknown, 0.0 if is_unknown else -(row.worth or 0.0)


def _best(ordered: Iterable[AblationRow]) -> list[AblationRow]:
    """Return the most important row of each switch: the largest effect on the resource that matters most to users."""
    best: dict[str, AblationRow] = {}
    for row in ordered:
        other = best.get(row.switch)
        if other is None or _weight(row) > _weight(other):
            best[row.switch] = row
    return sorted(best.values(), key=_order)


def _weight(row: AblationRow) -> tuple[int, int, float]:
    """Return the weight of an effect: a clear one before none; time before calls, data and memory."""
    shown = effect(row)
    clearness = {Effect.UNKNOWN: 0, Effect.NONE: 1}.get(shown, 2)
    return clearness, -Resource.of(row.metric), _factor(row)


def _factor(row: AblationRow) -> float:
    """Return the factor of an effect as the absolute logarithm: doubling and halving are equal."""
    worth = row.worth or 0.0
    return abs(math.log1p(worth)) if worth > -1 else math.inf


def _prices(best: Iterable[AblationRow], rows: Sequence[AblationRow]) -> dict[str, str]:
    """Return for each switch its weightiest effect in the other direction, in words; empty where there is none."""
    opposite = {Effect.SAVES: Effect.COSTS, Effect.COSTS: Effect.SAVES}
    found = {}
    for chosen in best:
        against = [
            row for row in rows if row.switch == chosen.switch and effect(row) is opposite.get(effect(chosen))
        ]
        worst = max(against, key=_weight, default=None)
        found[chosen.switch] = f"{worst.metric} {change_text(worst.worth)}" if worst else "–"
    return found


def _sentence(best: Sequence[AblationRow]) -> str:
    if not best:
        return "Nothing was measured."
    faster = [row for row in best if effect(row) is Effect.SAVES and Resource.of(row.metric) is Resource.TIME]
    words = f"Of {plural(len(best), 'switch', 'switches')} {len(faster)} save{'s' * (len(faster) == 1)} time"
    if faster:
        words += f"; the most: {_name(faster[0].switch)}, without which {_of(faster[0])} grows by {_amount(faster[0])}"
    leaner = [row for row in best if effect(row) is Effect.SAVES and row not in faster]
    slower = [row for row in best if effect(row) is Effect.COSTS and Resource.of(row.metric) is Resource.TIME]
    heavier = [row for row in best if effect(row) is Effect.COSTS and row not in slower]
    for rows, phrase in (
        (leaner, "saving no time, but calls, data or memory"),
        (slower, "costing time"),
        (heavier, "costing no time, but calls, data or memory"),
        ([row for row in best if effect(row) is Effect.NONE], "without a measurable effect"),
        ([row for row in best if effect(row) is Effect.UNKNOWN], "not measured"),
    ):
        names = ", ".join(_name(row.switch) for row in rows)
        words += f"; {phrase}: {names}" if names else ""
    return f"{words}."


def _name(text: str) -> str:
    return short(text, _LONGEST_NAME)


def _of(row: AblationRow) -> str:
    return f"{_name(row.metric)} of {_name(row.operation)}"


def _amount(row: AblationRow) -> str:
    interval = interval_text(row.low, row.high)
    return f"{change_text(row.worth).removeprefix('+')} ({interval or 'counted exactly'})"


def _table(
    key: str, title: str, rows: Sequence[AblationRow], prices: Mapping[str, str] | None = None
) -> Table:
    notes = tuple(f"{row.switch}, {row.operation} {row.metric}: {row.note}" for row in rows if row.note)
    columns = _COLUMNS if prices is None else (*_COLUMNS, _AGAINST)
    made = [
        Row(row.switch, _cells(row) if prices is None else (*_cells(row), Cell(prices[row.switch])))
        for row in rows
    ]
    return Table(key, title, columns, tuple(made), "Switch", notes, prose=_PROSE)


def _cells(row: AblationRow) -> tuple[Cell, ...]:
    shown = effect(row)
    tone = {Effect.SAVES: Tone.BETTER, Effect.COSTS: Tone.WORSE}.get(shown, Tone.SIMILAR)
    is_known = shown is not Effect.UNKNOWN
    interval = interval_text(row.low, row.high) or "counted exactly"
    return (
        Cell(row.operation),
        Cell(row.metric),
        Cell(change_text(row.worth) if is_known else "–", row.worth if is_known else None),
        Cell(interval if is_known else "–"),
        Cell(str(shown), tone=tone),
    )


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
        f"{row.switch} · {row.metric} {row.operation}",
        worth,
        worth if row.low is None else row.low,
        worth if row.high is None else row.high,
        change_text(worth),
        is_clear=effect(row) in {Effect.SAVES, Effect.COSTS},
    )
