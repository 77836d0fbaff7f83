"""Tell how the journeys of a run's users ended."""

from collections.abc import Iterator, Sequence

from harness.target.journey_ends import JourneyFacts
from harness.units import format_count, format_percent
from reports.run.sides import Side
from reports.shared.model import Cell, Row, Table

_NOTE = (
    "A call that does not complete ends its journey. Those that the end of the run cut are neither completed nor abandoned. "
    "Journeys of the warm-up are included."
)


def journeys_table(sides: Sequence[Side]) -> Table:
    """Return one row for each way in which journeys ended, by run; empty where no target has a journey."""
    rows = [
        Row(label, cells, group=side.label if len(sides) > 1 else "")
        for side in sides
        if (facts := _facts(side))
        for label, cells in _ends(facts)
    ]
    return Table(
        "journeys", "Journeys of users", ("journeys", "share"), tuple(rows), "End", (_NOTE,) if rows else ()
    )


def journeys_sentence(side: Side) -> str:
    """Return how many journeys completed, and where most were abandoned; empty for a target without a journey."""
    facts = _facts(side)
    if facts is None:
        return ""
    worst = max(range(len(facts.abandoned)), key=facts.abandoned.__getitem__)
    lost = sum(facts.abandoned)
    where = f", most at step {worst + 1} ({facts.steps[worst]})" if lost else ""
    return (
        f"{format_count(facts.completed)} of {format_count(facts.started)} journeys completed, "
        f"{format_count(lost)} abandoned{where}"
    )


def _facts(side: Side) -> JourneyFacts | None:
    return side.run.facts.journeys if side.run.facts else None


def _ends(facts: JourneyFacts) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    ends = [
        ("started", facts.started),
        ("completed", facts.completed),
        *(
            (f"abandoned at step {number} ({name})", count)
            for number, (name, count) in enumerate(zip(facts.steps, facts.abandoned, strict=True), 1)
            if count
        ),
        ("cut by the end", facts.started - facts.completed - sum(facts.abandoned)),
    ]
    for label, count in ends:
        share = count / facts.started if facts.started else 0.0
        yield label, (Cell(format_count(count), count), Cell(format_percent(share), share))
