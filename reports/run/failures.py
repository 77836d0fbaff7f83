"""List the reasons of failed calls, the most frequent first."""

from collections.abc import Iterator, Sequence

from harness.clock import NS_PER_S
from harness.model import Engine
from harness.reading.served import unexplained_failures
from harness.target.failures import Failure
from harness.units import format_count, format_duration, format_percent
from reports.run.sides import Side, operation_names
from reports.shared.model import Cell, Row, Table

_OF_LOOPS = {
    "cannot be called from a running event loop": "A loop runs already: await the coroutine instead",
    "event loop is already running": "A loop runs already: await the coroutine instead",
    "while another loop is running": "A loop runs already: await the coroutine instead",
    "must be called from async context": "Functions of trio need its own loop: measure a plain function that calls trio.run, with --engine threads",
}
"""Ways out, by messages of asyncio and trio."""


def failures_table(sides: Sequence[Side]) -> Table:
    """Return one row for each kind of failure of each run; empty where no call failed."""
    many = len(operation_names(sides)) > 1
    rows = [
        Row(
            one.what,
            _cells(side, one),
            group=" · ".join([side.label] * (len(sides) > 1) + [one.operation] * many),
        )
        for side in sides
        for one in _failures(side)
    ]
    columns = ("ended as", "calls", "share", "first", "last", "where", "first message")
    notes = tuple(filter(None, (_unexplained(side) for side in sides)))
    prose = ("ended as", "where", "first message")
    return Table("failures", "Why calls failed", columns, tuple(rows), "What", notes, prose=prose)


def commonest_failures(side: Side, most: int) -> Iterator[str]:
    """Yield the most frequent kinds of a run as sentences; the last one counts the failures of all other kinds."""
    kinds = _failures(side)
    for one in kinds[:most]:
        place = f", in {one.where}" if one.where else ""
        message = f": {one.example}" if one.example else ""
        yield f"{format_count(one.count)} × {one.what} from {one.operation}{place}{message}{_remedy(side, one)}"
    if others := kinds[most:]:
        count = format_count(sum(one.count for one in others))
        yield f"{count} of {len(others)} other kind{'s' * (len(others) > 1)}: the report lists them"


def _remedy(side: Side, one: Failure) -> str:
    """Return the way out of a failure that the event loop around a call explains; empty for any other."""
    if side.run.facts is None or side.run.facts.engine is not Engine.ASYNCIO:
        return ""
    return next((f". {way}" for said, way in _OF_LOOPS.items() if said in one.example), "")


def _failures(side: Side) -> Sequence[Failure]:
    return side.run.facts.failures if side.run.facts else ()


def _cells(side: Side, one: Failure) -> tuple[Cell, ...]:
    summary = side.summary(one.operation)
    share = one.count / summary.count if summary and summary.count else None
    return (
        Cell(one.outcome.replace("_", " ")),
        Cell(format_count(one.count), one.count),
        Cell(
            "–" if share is None else format_percent(share),
            share,
            note=f"of the calls of {one.operation} that returned",
        ),
        Cell(_moment(one.first_ns), one.first_ns),
        Cell(_moment(one.last_ns), one.last_ns),
        Cell(one.where or "–"),
        Cell(one.example or "–"),
    )


def _moment(at_ns: int) -> str:
    return format_duration(round(at_ns / NS_PER_S, 1)) if at_ns >= NS_PER_S / 20 else "0s"


def _unexplained(side: Side) -> str:
    missing = unexplained_failures(side.run)
    if not missing:
        return ""
    return f"{side.label}: why {format_count(missing)} of the failed calls failed is not known, since the measured process did not live to say it."
