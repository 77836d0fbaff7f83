"""The calls that got no answer: which, how many, and when it began and ended. Why others failed, `failures` tells."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.table.pieces import pieces
from harness.units import format_count, format_ns, format_percent
from reports.run.sides import Side
from reports.shared.model import Cell, Row, Table

_MOST = 12
_WHY = {
    Outcome.DROPPED: "Dropped: more calls were in flight than allowed.",
    Outcome.UNFINISHED: "Unfinished: let go, and not back when the run ended.",
    Outcome.NEVER_STARTED: "Never started: not let go before the run ended.",
}
_NEVER_NS = np.iinfo(np.int64).max


def lost_table(sides: Sequence[Side]) -> Table:
    """Return a row for each way in which calls of an operation got no answer, the most frequent first.

    Without rows where all came back. At most a dozen are shown, and a note says how many there are.
    """
    found = sorted(
        (row for side in sides for row in _rows(side, named=len(sides) > 1)),
        key=lambda row: -(row.cells[-4].value or 0),
    )
    more = len(found) - _MOST
    notes = [f"{format_count(more)} smaller ones are left out."] if more > 0 else []
    why = [words for how, words in _WHY.items() if any(side.run.total.outcomes[how.label] for side in sides)]
    notes += [" ".join(why)] if why else []
    columns = (
        *(("run",) if len(sides) > 1 else ()),
        "how",
        "calls",
        "of the operation",
        "first due",
        "last due",
    )
    return Table(
        "lost", "Calls that got no answer", columns, tuple(found[:_MOST]), "Operation",
        tuple(notes), prose=("run", "how"),
    )  # fmt: skip


def _rows(side: Side, *, named: bool) -> Iterator[Row]:
    if not any(side.run.total.outcomes[how.label] for how in _WHY):
        return
    names = list(side.run.operations)
    shape = (len(names), len(Outcome))
    first_ns, last_ns = np.full(shape, _NEVER_NS), np.full(shape, -1)
    for piece in pieces(side.run.table):
        lost = piece[np.isin(piece["outcome"], list(_WHY))]
        place = (lost["operation"], lost["outcome"])
        np.minimum.at(first_ns, place, lost["intended_ns"])
        np.maximum.at(last_ns, place, lost["intended_ns"])
    for number, outcome in zip(*np.nonzero(last_ns >= 0), strict=True):
        label = Outcome(outcome).label
        outcomes = side.run.operations[names[number]].outcomes
        share = outcomes[label] / sum(outcomes.values())
        cells = (
            *((Cell(side.label),) if named else ()),
            Cell(label.replace("_", " ")),
            Cell(format_count(outcomes[label]), outcomes[label]),
            Cell(format_percent(share), share),
            _at(first_ns[number, outcome]),
            _at(last_ns[number, outcome]),
        )
        yield Row(names[number], cells)


def _at(time_ns: int) -> Cell:
    return Cell(format_ns(time_ns), time_ns / NS_PER_S)
