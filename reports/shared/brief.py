"""Print the brief text of a command: the answer, one table and the next step, on one screen."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from reports.shared.model import Cell, NextCommand, Table
from reports.shared.plain import laid_out, plain_cell, print_next, say

MOST_LINES = 29
"""Maximum of lines of a brief text. The command adds one, the path of the report."""
_FEWEST_ROWS = 5
_MORE = "--verbose prints the rest."

Part = Callable[[Console], None]
"""Function that prints a part of a text."""


def saying(words: str, style: str = "", indent: int = 0) -> Part:
    """Return the part that prints a text."""
    return lambda to: say(to, words, style, indent)


@dataclasses.dataclass(frozen=True, slots=True)
class Brief:
    """The parts of a brief text, in the order of printing.

    `head`, `tail` and the next command are always printed. `details` are printed as far as they fit, the first ones
    first, and the table has as many rows as fit, but at least five; `table` makes it of that many.
    """

    head: Sequence[Part]
    details: Sequence[Part]
    table: Callable[[int], RichTable | None]
    rows: int
    next_command: NextCommand
    tail: Sequence[Part] = ()


def print_brief(console: Console, brief: Brief) -> None:
    """Write a brief text in at most 29 lines, provided that its head and its tail leave room for them."""
    head = list(_printed(console, brief.head))
    tail = list(_printed(console, [*brief.tail, lambda to: _ending(to, brief.next_command)]))
    fewest = _printed_table(console, brief.table(min(brief.rows, _FEWEST_ROWS)))
    left = MOST_LINES - _lines([*head, *tail, fewest])
    details = []
    for detail in _printed(console, brief.details):
        if _lines([detail]) <= left:
            details.append(detail)
            left -= _lines([detail])
    table = fewest
    for rows in range(brief.rows, _FEWEST_ROWS, -1):
        table = _printed_table(console, brief.table(rows))
        if _lines([table]) <= left + _lines([fewest]):
            break
        table = fewest
    console.file.write("".join([*head, *details, table, *tail]))


def first_rows(
    table: Table, wanted: Sequence[str], show: Callable[[Cell], Text] = plain_cell
) -> Callable[[int], RichTable | None]:
    """Return a function that makes a table of the most wanted rows, by label, in the order of `table`."""
    order = {label: place for place, label in enumerate(dict.fromkeys(wanted))}
    ranked = sorted(range(len(table.rows)), key=lambda place: order.get(table.rows[place].label, len(order)))

    def made(most: int) -> RichTable | None:
        chosen = sorted(ranked[:most])
        shown = dataclasses.replace(table, rows=tuple(table.rows[place] for place in chosen))
        return laid_out(shown, show) if chosen else None

    return made


def _printed(console: Console, parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        with console.capture() as capture:
            part(console)
        yield capture.get()


def _printed_table(console: Console, table: RichTable | None) -> str:
    if table is None:
        return ""
    with console.capture() as capture:
        console.print()
        console.print(table)
    return capture.get()


def _ending(console: Console, command: NextCommand) -> None:
    console.print()
    say(console, _MORE, "dim")
    print_next(console, command)


def _lines(texts: Sequence[str]) -> int:
    return sum(text.count("\n") for text in texts)
