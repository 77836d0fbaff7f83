"""The functions of two profiled sides: which are told apart, in a table, in JSON, and counted by finding."""

import collections
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from harness.profiles.difference.finding import Finding
from harness.profiles.difference.frames import SAMPLED, Change, FrameChange, ProfiledRun, compare_frames
from harness.profiles.stacks.frames import CHILDREN, DRIVER, OUTSIDE
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.profiling.document import ProfiledSide, are_interleaved, kinds_and_names, together
from harness.units import format_count
from reports.flame.difference import amount, interval, relative, signed
from reports.flame.tree import short_name
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
_NOT_THE_TARGETS = {DRIVER, OUTSIDE, CHILDREN}
"""Roots whose functions belong to the harness, to nobody or to no operation: they have no requests to be compared by."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tested:
    """One profile of both sides: the rounds, and every function with what may be said of it."""

    kind: str
    name: str
    unit: str
    rounds: tuple[Sequence[ProfiledRun], Sequence[ProfiledRun]]
    changes: tuple[FrameChange, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return TITLES[self.name]

    @property
    def functions(self) -> list[FrameChange]:
        """The functions of operations, those that are told apart first."""
        found = [row for row in self.changes if row.operation not in _NOT_THE_TARGETS]
        return sorted(found, key=lambda row: not row.own.finding.is_coloured)

    @property
    def told(self) -> list[FrameChange]:
        """Those whose own weight is told apart."""
        return [row for row in self.functions if row.own.finding.is_coloured]


def tested(sides: Sequence[ProfiledSide]) -> tuple[Tested, ...]:
    """Return every profile that both sides have; rounds that were not interleaved count as one run a side."""
    if len(sides) != 2:
        return ()
    return tuple(_tested(sides))


def _tested(sides: Sequence[ProfiledSide]) -> Iterator[Tested]:
    for kind, name in kinds_and_names(sides[0].document.kinds):
        before, after = (side.rounds(kind, name) for side in sides)
        if not before or not after:
            continue
        if not are_interleaved(sides):
            before, after = [together(before)], [together(after)]
        unit = before[0].profile.unit
        shown = "ns" if unit == SAMPLED else unit
        yield Tested(kind, name, shown, (before, after), compare_frames(before, after))


def changed_table(found: Sequence[Tested], labels: Sequence[str]) -> Table:
    """Return the functions that are told apart, by their own weight per request."""
    rows = [
        Row(_where(row), _cells(row.own, part.unit), group=part.title)
        for part in found
        for row in part.told[:_MOST_ROWS]
    ]
    notes = [
        f"{part.title}: {format_count(len(part.told) - _MOST_ROWS)} more, see the profile's own table."
        for part in found
        if len(part.told) > _MOST_ROWS
    ]
    columns = (*labels, "change", "95 % interval", "share", "finding")
    return Table(
        "changed", "Functions told apart, by their own weight per request (peak: in all)", columns, tuple(rows),
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
    """Return how many functions of operations have which finding, by profile."""
    rows = []
    for part in found:
        counts = collections.Counter(row.own.finding for row in part.functions)
        told = sum(count for finding, count in counts.items() if finding.is_coloured)
        cells = (told, counts[Finding.SAME], counts[Finding.CANNOT_TELL])
        rows.append(Row(part.title, tuple(Cell(format_count(count), count) for count in cells)))
    columns = ("told apart", "the same", "cannot tell")
    return Table("findings", "Functions by what may be said of them", columns, tuple(rows), "Profile")


def as_json(found: Sequence[Tested]) -> list[dict[str, Any]]:
    """Return every profile with its functions, those that are told apart first; weights are per request."""
    return [
        {
            "profile": f"{part.kind}/{part.name}",
            "unit": part.unit,
            "rounds": [len(runs) for runs in part.rounds],
            "functions": [
                {
                    "operation": row.operation.removeprefix(MARKER_PREFIX),
                    "function": row.frame.removeprefix(MARKER_PREFIX),
                    "own": _change_json(row.own),
                    "whole": _change_json(row.whole),
                }
                for row in part.functions
            ],
        }
        for part in found
    ]


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "before": change.before,
        "after": change.after,
        "change": change.change,
        "low": change.low,
        "high": change.high,
        "samples": change.samples,
        "finding": str(change.finding),
    }
