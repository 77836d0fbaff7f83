"""Build the table of what blocked the event loop while calls of each operation waited."""

from harness.reading.engines import words_of
from harness.reading.holders import holders
from harness.units import format_ns
from reports.run.sides import Side
from reports.shared.model import Cell, Row, Table, Tone

_NOTE = (
    "Means over the calls that returned; each row adds up to its time of a blocked event loop. Driver is the load generator between calls, "
    "the pacer its release of arrivals, {} the target's background work."
)
_REST = "the rest"


def held_by_table(side: Side, key: str, most: int = 12) -> Table:
    """Return the mean wait of each operation's calls by cause, the largest first.

    At most `most` causes have their own column. Empty if latencies are withheld, the split was off or no call waited.
    """
    found = None if side.withheld else holders(side.run)
    title = f"What blocked the event loop · {side.label}"
    if found is None:
        return Table(key, title, (), ())
    has_rest = len(found.names) > most
    columns = ("event loop blocked", *found.names[:most], *([_REST] if has_rest else []))
    rows = []
    for name, waited_ns in found.waited_ns.items():
        parts = [sum(waited_ns), *waited_ns[:most], *([sum(waited_ns[most:])] if has_rest else [])]
        count = side.run.operations[name].count
        rows.append(Row(name, tuple(_cell(part / count) for part in parts)))
    return Table(key, title, columns, tuple(rows), "Waiting", (_NOTE.format(words_of(side.run).others),))


def _cell(mean_ns: float) -> Cell:
    return Cell(format_ns(mean_ns), mean_ns) if mean_ns else Cell("–", 0.0, tone=Tone.MISSING)
