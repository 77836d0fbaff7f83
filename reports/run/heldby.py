"""Who held the loop while the calls of each operation waited for it: the one place where one operation slows another."""

from harness.reading.holders import holders
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
    found = None if side.withheld else holders(side.run)
    title = f"Who had the loop meanwhile · {side.label}"
    if found is None:
        return Table(key, title, (), ())
    has_rest = len(found.names) > most
    columns = ("wait (loop busy)", *found.names[:most], *([_REST] if has_rest else []))
    rows = []
    for name, waited_ns in found.waited_ns.items():
        parts = [sum(waited_ns), *waited_ns[:most], *([sum(waited_ns[most:])] if has_rest else [])]
        count = side.run.operations[name].count
        rows.append(Row(name, tuple(_cell(part / count) for part in parts)))
    return Table(key, title, columns, tuple(rows), "Waiting", (_NOTE,))


def _cell(mean_ns: float) -> Cell:
    return Cell(format_ns(mean_ns), mean_ns) if mean_ns else Cell("–", 0.0, tone=Tone.MISSING)
