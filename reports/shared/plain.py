"""Print sentences and tables to a terminal, wrapped at its width."""

from collections.abc import Callable
from typing import Protocol, TextIO

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from reports.shared.layout import grouped
from reports.shared.model import Cell, NextCommand, Status, Table
from reports.shared.visible import visible

STATUS_STYLE = {Status.GOOD: "bold green", Status.CAUTION: "bold yellow", Status.BAD: "bold red"}


def console_of(stream: TextIO, width: int) -> Console:
    """Return a console without markup, in colour if `stream` is a terminal."""
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False)


def say(console: Console, words: str | Text, style: str = "", indent: int = 0) -> None:
    """Write a text in lines of the console's width, indented, without blanks at their ends."""
    text = words if isinstance(words, Text) else Text(visible(words), style)
    for line in text.wrap(console, console.width - indent):
        line.rstrip()
        console.print(Text(" " * indent) + line)


class Headed(Protocol):
    """A view that begins with its answer in one sentence."""

    @property
    def title(self) -> str:
        """Subject of the report."""

    @property
    def subtitle(self) -> str:
        """Conditions of the measurement."""

    @property
    def sentence(self) -> str:
        """The answer."""

    @property
    def status(self) -> Status:
        """The colour of the answer."""


def print_head(console: Console, view: Headed) -> None:
    """Write title, subtitle and the answer of a view."""
    say(console, view.title, "bold")
    say(console, view.subtitle, "dim")
    console.print()
    say(console, view.sentence, STATUS_STYLE[view.status])


def grid(*columns: tuple[str, bool]) -> RichTable:
    """Return a table with columns (head, true if right-aligned) that wraps long texts."""
    made = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head, is_right in columns:
        made.add_column(Text(visible(head)), justify="right" if is_right else "left", overflow="fold")
    return made


def plain_cell(cell: Cell) -> Text:
    """Return a cell's text without style."""
    return Text(visible(cell.text))


def print_table(console: Console, table: Table, show: Callable[[Cell], Text] = plain_cell) -> None:
    """Write a whole table with its title and notes, each cell formatted by `show`; an empty table is not written."""
    if not table.rows:
        return
    console.print()
    say(console, table.title, "bold")
    console.print(laid_out(table, show))
    for note in table.notes:
        say(console, note, "dim")


def laid_out(table: Table, show: Callable[[Cell], Text] = plain_cell) -> RichTable:
    """Return the rows of a table under its heads, without title and notes."""
    made = grid((table.label_head, False), *((column, table.numeric) for column in table.columns))
    for group, rows in grouped(table):
        if group:
            made.add_row(Text(visible(group)))
        for row in rows:
            label = Text(("  " if group else "") + visible(row.label))
            made.add_row(label, *map(show, row.cells))
    return made


def print_next(console: Console, command: NextCommand) -> None:
    """Write the next command worth typing. It is copied, so it is never wrapped."""
    console.print()
    console.print(Text("Next: ", "bold"), Text(visible(command.why), "dim"), sep="")
    console.print(Text(f"  {visible(command.command)}"), soft_wrap=True)
