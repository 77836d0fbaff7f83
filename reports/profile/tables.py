"""Build the tables of two profiled sides: the functions with a difference, and counts by finding."""

import collections
from collections.abc import Sequence

from harness.profiles.difference.finding import Finding
from harness.profiles.difference.frames import Change, FrameChange
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.profiling.compared import Tested
from harness.units import format_count
from reports.flame.tree import short_name
from reports.flame.words import amount, interval, relative, signed
from reports.shared.model import Cell, Row, Table, Tone

TITLES = {
    "cpu": "CPU",
    "wait": "Waiting",
    "memory": "Allocations",
    "bytes": "Allocated bytes",
    "peak": "Memory at its peak",
    "leaks": "Memory still held at the end",
}
_MOST_ROWS = 10


def changed_table(found: Sequence[Tested], labels: Sequence[str]) -> Table:
    """Return the functions with a difference, by self weight per request."""
    rows = [
        Row(_where(row), _cells(row.own, part.unit), group=TITLES[part.name])
        for part in found
        for row in part.told[:_MOST_ROWS]
    ]
    notes = [
        f"{TITLES[part.name]}: {format_count(len(part.told) - _MOST_ROWS)} more, see the profile's own table."
        for part in found
        if len(part.told) > _MOST_ROWS
    ]
    columns = (*labels, "change", "95 % interval", "relative", "finding")
    return Table(
        "changed", "Functions that changed, by self per request (peak: in all)", columns, tuple(rows),
        "Function", tuple(notes),
    )  # fmt: skip


def _where(row: FrameChange) -> str:
    operation = row.operation.removeprefix(MARKER_PREFIX)
    return f"{short_name(row.frame.removeprefix(MARKER_PREFIX))} · {operation}"


def _cells(change: Change, unit: str) -> tuple[Cell, ...]:
    tone = Tone.WORSE if change.change > 0 else Tone.BETTER
    return (
        Cell(amount(change.before, unit), change.before),
        Cell(amount(change.after, unit), change.after),
        Cell(signed(change.change, unit), change.change, tone=tone),
        Cell(interval(change, unit)),
        Cell(relative(change)),
        Cell(str(change.finding)),
    )


def counts_table(found: Sequence[Tested]) -> Table:
    """Return the number of functions of operations with each finding, by profile."""
    rows = []
    for part in found:
        counts = collections.Counter(row.own.finding for row in part.functions)
        told = sum(count for finding, count in counts.items() if finding.is_coloured)
        cells = (told, counts[Finding.SAME], counts[Finding.CANNOT_TELL])
        rows.append(Row(TITLES[part.name], tuple(Cell(format_count(count), count) for count in cells)))
    columns = ("changed", "the same", "below the detection limit")
    return Table("findings", "Functions by finding", columns, tuple(rows), "Profile")
