"""Build the tables of the calibration card: the error rates of the gate on a machine."""

import dataclasses
import io
import math
from collections.abc import Sequence

import msgspec

from harness.units import significant
from reports.shared import markdown
from reports.shared.model import Cell, Row, Table
from reports.shared.plain import console_of, print_table, say


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """`k` of `n` comparisons, with the bounds of the true share by Clopper and Pearson."""

    effect: str
    """Change made to the candidate: `nothing`, `+3 % time`, `1 more store call`."""
    by: str
    """Source of the alarm: false on identical code, correct on slower code."""
    k: int
    n: int
    low: float
    high: float
    goal: str = ""
    """Bound that the product declares: `at most 1 %`."""


class Seconds(msgspec.Struct, frozen=True, kw_only=True):
    """The median time of a benchmark until its verdict, in seconds."""

    effect: str
    verdict: str
    median_s: float
    goal: str = ""


class CardFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of one configuration of the gate on one machine."""

    measured_at: str
    """ISO date, or date and time."""
    machine: str
    configuration: str
    rates: list[Rate]
    seconds: list[Seconds] = []
    applies: bool = True
    """True if the card was made on a machine like the session's."""
    note: str = ""


_SECONDS_TITLE = "Time of a benchmark until its verdict"


@dataclasses.dataclass(frozen=True, slots=True)
class CardView:
    """The calibration card as shown in every format."""

    title: str
    sentence: str
    table: Table
    notes: tuple[str, ...]
    seconds: Table | None = None
    """Times until a verdict."""


def build_card(facts: CardFacts) -> CardView:
    """Return the card's view: one row for each effect, in the order given."""
    return CardView(
        title="How often this gate is right",
        sentence=f"Measured on {facts.machine} ({facts.configuration}), {facts.measured_at[:10]}.",
        table=Table(
            "card",
            "How often this gate is right",
            ("found", "of", "share", "95 % bounds", "goal"),
            tuple(_row(rate) for rate in facts.rates),
            "Change made, and what alarmed",
        ),
        notes=tuple(filter(None, (_elsewhere(facts), facts.note))),
        seconds=_seconds(facts.seconds),
    )


def _seconds(seconds: Sequence[Seconds]) -> Table | None:
    if not seconds:
        return None
    rows = tuple(
        Row(
            one.verdict,
            (Cell(f"{significant(one.median_s)} s", one.median_s), Cell(one.goal or "–")),
            group=one.effect,
        )
        for one in seconds
    )
    return Table("card-seconds", _SECONDS_TITLE, ("median", "goal"), rows, "Change made, and the verdict")


def _elsewhere(facts: CardFacts) -> str:
    return (
        ""
        if facts.applies
        else "The card was made on another machine or configuration: its rates may not hold for this session."
    )


def _bounds(rate: Rate) -> str:
    """Return the bounds in tenths of a percent, rounded outwards, so that the printed bounds still hold."""
    low, high = math.floor(round(1000 * rate.low, 6)) / 10, math.ceil(round(1000 * rate.high, 6)) / 10
    return f"{low:.1f} to {high:.1f} %"


def _row(rate: Rate) -> Row:
    share = f"{100 * rate.k / rate.n:.1f} %" if rate.n else "–"
    cells = (
        Cell(f"{rate.k:,}", rate.k),
        Cell(f"{rate.n:,}", rate.n),
        Cell(share, rate.k / rate.n if rate.n else None),
        Cell(_bounds(rate)),
        Cell(rate.goal or "–"),
    )
    return Row(rate.by, cells, group=rate.effect)


def render_card_text(view: CardView, width: int = 80) -> str:
    """Return the card for a terminal."""
    stream = io.StringIO()
    console = console_of(stream, width)
    print_table(console, view.table)
    if view.seconds:
        print_table(console, view.seconds)
    for words in (view.sentence, *view.notes):
        say(console, words, "dim")
    return stream.getvalue()


def render_card_markdown(view: CardView) -> str:
    """Return the card as Markdown: sentence, notes, tables."""
    tables = [markdown.table(table) for table in (view.table, view.seconds) if table]
    return "\n\n".join((*map(markdown.prose, (view.sentence, *view.notes)), *tables)) + "\n"
