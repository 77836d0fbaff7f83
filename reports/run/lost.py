"""Build the table of requests without a response: operations, numbers and time range. For failures see `failures`."""

from collections.abc import Iterator, Sequence

from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.reading.lost import lost_calls
from harness.units import format_count, format_ns, format_percent
from reports.run.sides import Side
from reports.shared.model import Cell, Row, Table

_MOST = 12
_WHY = {
    Outcome.DROPPED: "Dropped: more calls were in flight than allowed.",
    Outcome.UNFINISHED: "Unfinished: sent, without a response when the run ended.",
    Outcome.NEVER_STARTED: "Never started: not sent before the run ended.",
}


def lost_table(sides: Sequence[Side]) -> Table:
    """Return a row for each operation and way of losing a response, the most frequent first.

    Without rows where all calls returned. At most a dozen rows are shown, and a note gives their total.
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
        "lost", "Requests without a response", columns, tuple(found[:_MOST]), "Operation",
        tuple(notes), prose=("run", "how"),
    )  # fmt: skip


def _rows(side: Side, *, named: bool) -> Iterator[Row]:
    for lost in lost_calls(side.run):
        cells = (
            *((Cell(side.label),) if named else ()),
            Cell(lost.outcome.label.replace("_", " ")),
            Cell(format_count(lost.calls), lost.calls),
            Cell(format_percent(lost.share), lost.share),
            _at(lost.first_due_ns),
            _at(lost.last_due_ns),
        )
        yield Row(lost.operation, cells)


def _at(time_ns: int) -> Cell:
    return Cell(format_ns(time_ns), time_ns / NS_PER_S)
