"""Who held the loop while the calls of each operation waited for it: the one place where one operation slows another."""

import numpy as np

from harness.table.heldby import NAMES
from harness.units import format_ns
from reports.run.sides import Side
from reports.shared.model import Cell, Row, Table, Tone

_NOTE = (
    "Means over the calls that returned; each row adds up to its wait (loop busy). The driver is the harness between calls, "
    "the pacer its release of arrivals, other greenlets the target's background work."
)
_REST = "the rest"


def held_by_table(side: Side, key: str, most: int = 12) -> Table:
    """Return the mean wait of each operation's calls by holder, the greatest holders first.

    At most `most` holders have a column of their own. Empty if latencies are withheld, the split was off or nobody waited.
    """
    matrix = side.run.held_by
    title = f"Who had the loop meanwhile · {side.label}"
    if matrix is None or side.withheld or not matrix.any():
        return Table(key, title, (), ())
    operations = side.run.operations
    order = [
        int(column) for column in np.argsort(-matrix.sum(axis=0), kind="stable") if matrix[:, column].any()
    ]
    shown, rest = order[:most], order[most:]
    names = (*operations, *NAMES)
    columns = ("wait (loop busy)", *(names[column] for column in shown), *([_REST] if rest else []))
    rows = []
    for (name, operation), row in zip(operations.items(), matrix, strict=True):
        if not operation.count or not row.any():
            continue
        parts = [int(row.sum()), *(int(row[column]) for column in shown)]
        parts += [int(row[rest].sum())] if rest else []
        rows.append(Row(name, tuple(_cell(part / operation.count) for part in parts)))
    return Table(key, title, columns, tuple(rows), "Waiting", (_NOTE,))


def _cell(mean_ns: float) -> Cell:
    return Cell(format_ns(mean_ns), mean_ns) if mean_ns else Cell("–", 0.0, tone=Tone.MISSING)
