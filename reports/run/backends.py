"""Build the tables of the target's counters and of each back end's utilisation."""

from collections.abc import Sequence

from harness.reading.served import is_saturated, used_share
from harness.run.documents import BackendFacts
from harness.units import format_count, format_percent, format_rate, significant
from reports.run.sides import Side, heads, operation_names
from reports.shared.model import Cell, Row, Table, Tone


def counters_table(sides: Sequence[Side]) -> Table:
    """Return every counter of every operation, per request, with the total as the cell's note."""
    rows = []
    for operation in [*operation_names(sides), *_other_operations(sides)]:
        names = sorted({name for side in sides for name in side.run.counters.get(operation, {})})
        for name in names:
            if name != "requests":
                cells = tuple(_per_request(side, operation, name) for side in sides)
                rows.append(Row(name, cells, group=operation))
    notes = ("Per request of the operation, counted in the measured time.",) if rows else (_nothing(sides),)
    return Table("counters", "Counted per request", heads(sides), tuple(rows), "Counter", notes)


def _nothing(sides: Sequence[Side]) -> str:
    if all(side.run.facts is None for side in sides):
        return "The measured process left no account of itself, so nothing is known of its counters."
    return "This target counts nothing: back-end calls and cache hits are unknown."


def _other_operations(sides: Sequence[Side]) -> list[str]:
    known = set(operation_names(sides))
    return list(dict.fromkeys(name for side in sides for name in side.run.counters if name not in known))


def _per_request(side: Side, operation: str, counter: str) -> Cell:
    counters = side.run.counters.get(operation, {})
    summary = side.run.operations.get(operation)
    requests = counters.get("requests") or (summary.count if summary else 0)
    total = counters.get(counter, 0)
    if not requests:
        return Cell("–", tone=Tone.MISSING, note=f"{format_count(total)} in all, by no counted request")
    return Cell(significant(total / requests), total / requests, note=f"{format_count(total)} in all")


def backends_table(sides: Sequence[Side]) -> Table:
    """Return each back end's capacity, the demand of the run, and whether it was saturated."""
    rows = [
        Row(side.label, _backend_cells(side, side.run.document.backends[name]), group=name)
        for name in dict.fromkeys(name for side in sides for name in side.run.document.backends)
        for side in sides
        if name in side.run.document.backends
    ]
    notes = () if rows else ("No back end was probed, so how close they were to their ceilings is unknown.",)
    columns = ("asked", "ceiling", "share", "reading", "probe")
    return Table(
        "backends",
        "Back ends and their ceilings",
        columns,
        tuple(rows),
        "Back end",
        notes,
        prose=("reading", "probe"),
    )


def _backend_cells(side: Side, facts: BackendFacts) -> tuple[Cell, ...]:
    ceiling, achieved = facts.ceiling_per_s, facts.achieved_per_s
    share = used_share(facts)
    return (
        Cell(format_rate(achieved), achieved),
        Cell(format_rate(ceiling), ceiling),
        Cell(format_percent(share), share),
        _reading(side, facts),
        Cell(facts.what or "–"),
    )


def _reading(side: Side, facts: BackendFacts) -> Cell:
    if used_share(facts) is None:
        return Cell("unknown", tone=Tone.MISSING)
    if is_saturated(facts, side.run.document.thresholds):
        measured = "the load generator" if facts.is_client else "this server"
        return Cell(f"saturated: latencies measure {measured}", tone=Tone.WORSE)
    return Cell("has room")
