"""Compare two profiled sides function by function, and convert the result to JSON."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from harness.profiles.difference.frames import SAMPLED, Change, FrameChange, ProfiledRun, compare_frames
from harness.profiles.stacks.frames import CHILDREN, DRIVER, OUTSIDE
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.profiling.document import ProfiledSide, are_interleaved, kinds_and_names, together

_NOT_THE_TARGETS = {DRIVER, OUTSIDE, CHILDREN}
"""Roots that belong to the harness or to no operation: they have no requests to compare their functions by."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tested:
    """One profile of both sides: the rounds, and the finding for every function."""

    kind: str
    name: str
    unit: str
    rounds: tuple[Sequence[ProfiledRun], Sequence[ProfiledRun]]
    changes: tuple[FrameChange, ...]

    @property
    def functions(self) -> list[FrameChange]:
        """The functions of operations, those with a claimed change first."""
        found = [row for row in self.changes if row.operation not in _NOT_THE_TARGETS]
        return sorted(found, key=lambda row: not row.own.finding.is_coloured)

    @property
    def told(self) -> list[FrameChange]:
        """The functions with a claimed change of self weight."""
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


def as_json(found: Sequence[Tested]) -> list[dict[str, Any]]:
    """Return every profile with its functions, those with a claimed change first; weights are per request."""
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
