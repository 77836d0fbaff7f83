"""The session for a terminal: the verdict, a compact table, what else to know, and what to type next."""

import io
from collections.abc import Iterator
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from reports.model import Status, Table
from reports.session.model import Group, Line, SessionView
from reports.visible import visible

_STATUS_STYLE = {Status.GOOD: "bold green", Status.CAUTION: "bold yellow", Status.BAD: "bold red"}
_WORD_STYLE = {
    "regressed": "bold red", "invalid": "bold red", "inconclusive": "yellow", "accepted": "yellow",
    "improved": "blue", "ok": "green",
}  # fmt: skip
_EXPLAINED = {"regressed", "invalid", "inconclusive", "accepted"}
_MOST_FUNCTIONS = 5
_MOST_OK = 30


def render_text(view: SessionView, width: int = 80) -> str:
    """Return the report without colour, in lines of at most `width`."""
    stream = io.StringIO()
    print_text(view, stream, width)
    return stream.getvalue()


def print_text(view: SessionView, stream: TextIO, width: int = 80) -> None:
    """Write the report to `stream`, in colour if it is a terminal."""
    console = Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False)
    _say(console, view.title, "bold")
    _say(console, view.subtitle, "dim")
    console.print()
    _say(console, view.sentence, _STATUS_STYLE[view.status])
    for point in view.points:
        _say(console, f"- {point}")
    _comparisons(console, view)
    for table in view.suspects:
        console.print()
        _functions(console, table)
    if view.suspects:
        _say(console, view.suspects_note, "dim")
    console.print()
    for words in view.trust:
        _say(console, words, "dim")
    console.print()
    console.print(Text("Next: ", "bold"), Text(view.next_command.why, "dim"), sep="")
    # A command is copied: it is never wrapped.
    console.print(Text(f"  {visible(view.next_command.command)}"), soft_wrap=True)


def _say(console: Console, words: str, style: str = "", indent: int = 0) -> None:
    for line in Text(visible(words), style).wrap(console, console.width - indent):
        line.rstrip()
        console.print(Text(" " * indent) + line)


def _comparisons(console: Console, view: SessionView) -> None:
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("verdict", no_wrap=True)
    grid.add_column("benchmark and metric", overflow="fold")
    grid.add_column("change", justify="right", overflow="fold")
    grid.add_column("interval, or values", justify="right", overflow="fold")
    hidden = 0
    for group in view.groups:
        shown = group.lines if group.is_open else group.lines[:_MOST_OK]
        hidden += len(group.lines) - len(shown)
        for line in shown:
            grid.add_row(*_row(line))
    if grid.row_count:
        console.print()
        console.print(grid)
    if hidden:
        _say(console, f"{hidden} more without a change stand in the report.", "dim")
    for group in view.groups:
        _explain(console, group)


def _row(line: Line) -> Iterator[Text]:
    yield Text(line.word, _WORD_STYLE.get(line.word, "dim"))
    yield Text(visible(line.name))
    yield Text(visible(line.change))
    yield Text(visible(line.interval or line.values))


def _explain(console: Console, group: Group) -> None:
    """Say what the table has no room for, where something is to be done about it."""
    if group.word not in _EXPLAINED:
        return
    console.print()
    for line in group.lines:
        _say(console, f"{line.word} {line.name}: {line.headline}".removesuffix(": "))
        for point in line.details:
            _say(console, f"- {point}", "dim", 2)
        if line.sites is not None:
            _functions(console, line.sites, 2)


def _functions(console: Console, table: Table, indent: int = 0) -> None:
    _say(console, table.title, "", indent)
    for row in table.rows[:_MOST_FUNCTIONS]:
        base, candidate, difference = (cell.text for cell in row.cells)
        _say(console, f"{difference}  {row.label} ({base} → {candidate})", "", indent + 2)
    for note in table.notes:
        _say(console, note, "dim", indent + 2)
