"""Print a session to a terminal: the verdict, a compact table, notes, and the next command."""

import io
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from reports.session.model import Group, Line, SessionView
from reports.shared.brief import Brief, Part, print_brief, saying
from reports.shared.model import Table
from reports.shared.plain import console_of, grid, print_head, print_next, say
from reports.shared.visible import visible
from reports.shared.words import plural

_WORD_STYLE = {
    "regressed": "bold red", "invalid": "bold red", "inconclusive": "yellow", "accepted": "yellow",
    "improved": "blue", "ok": "green",
}  # fmt: skip
_EXPLAINED = {"regressed", "invalid", "inconclusive", "accepted"}
_MOST_FUNCTIONS = 5
_MOST_EXPLAINED = 8
_MOST_OK = 30
_MOST_BRIEF = 12
_MOST_REASONS = 3


def render_text(view: SessionView, width: int = 80) -> str:
    """Return the report without colour, in lines of at most `width`."""
    stream = io.StringIO()
    print_text(view, stream, width)
    return stream.getvalue()


def print_text(view: SessionView, stream: TextIO, width: int = 80) -> None:
    """Write the report to `stream`, in colour if it is a terminal."""
    console = console_of(stream, width)
    print_head(console, view)
    for point in view.points:
        say(console, f"- {point}")
    _comparisons(console, view)
    for table in view.suspects:
        console.print()
        _functions(console, table)
    if view.suspects:
        say(console, view.suspects_note, "dim")
    console.print()
    for words in view.trust:
        say(console, words, "dim")
    print_next(console, view.next_command)


def print_brief_text(view: SessionView, stream: TextIO, width: int = 80) -> None:
    """Write the verdict, the lines that matter most and the next step in at most 29 lines."""
    lines = [line for group in view.told for line in group.lines]

    def table(rows: int) -> RichTable | None:
        return _grid_of(lines[:rows]) if rows else None

    explained = [line for group in view.groups if group.word in _EXPLAINED for line in group.lines]
    print_brief(
        console_of(stream, width),
        Brief(
            head=[lambda to: print_head(to, view)],
            details=[
                *(saying(f"- {point}") for point in view.points),
                *map(_reason, explained[:_MOST_REASONS]),
            ],
            table=table,
            rows=min(len(lines), _MOST_BRIEF),
            next_command=view.next_command,
            tail=[saying(words, "dim") for words in view.trust[:1]],
        ),
    )


def _reason(line: Line) -> Part:
    """Print the finding of a line and, if known, the code that caused it."""

    def part(console: Console) -> None:
        say(console, f"{line.word} {line.name}: {line.headline}".removesuffix(": "))
        if line.sites is not None:
            _functions(console, line.sites, 2)

    return part


def _grid_of(lines: Sequence[Line]) -> RichTable:
    table = grid(
        ("verdict", False), ("benchmark and metric", False), ("change", True), ("interval, or values", True)
    )
    for line in lines:
        table.add_row(*_row(line))
    return table


def _comparisons(console: Console, view: SessionView) -> None:
    shown_lines: list[Line] = []
    hidden = 0
    for group in view.told:
        shown = group.lines if group.is_open else group.lines[:_MOST_OK]
        hidden += len(group.lines) - len(shown)
        shown_lines += shown
    if shown_lines:
        console.print()
        console.print(_grid_of(shown_lines))
    if hidden:
        say(console, f"{hidden} more without a change stand in the report.", "dim")
    if view.untold:
        say(
            console, f"{plural(view.untold, 'metric')} only watched, without a change: see the report.", "dim"
        )
    for group in view.groups:
        _explain(console, group)


def _row(line: Line) -> Iterator[Text]:
    yield Text(line.word, _WORD_STYLE.get(line.word, "dim"))
    yield Text(visible(line.name))
    yield Text(visible(line.change))
    yield Text(visible(line.interval or line.values))


def _explain(console: Console, group: Group) -> None:
    """Print the details that do not fit into the table, for lines that need action."""
    if group.word not in _EXPLAINED:
        return
    console.print()
    for line in group.lines[:_MOST_EXPLAINED]:
        say(console, f"{line.word} {line.name}: {line.headline}".removesuffix(": "))
        values = line.values if line.values != line.headline else ""
        for point in filter(None, ("; ".join(filter(None, (values, line.evidence))), *line.points)):
            say(console, f"- {point}", "dim", 2)
        if line.sites is not None:
            _functions(console, line.sites, 2)
    if len(group.lines) > _MOST_EXPLAINED:
        say(console, f"{len(group.lines) - _MOST_EXPLAINED} more {group.word}: see the report.", "dim")


def _functions(console: Console, table: Table, indent: int = 0) -> None:
    say(console, table.title, "", indent)
    for row in table.rows[:_MOST_FUNCTIONS]:
        base, candidate, difference = (cell.text for cell in row.cells)
        say(console, f"{difference}  {row.label} ({base} → {candidate})", "", indent + 2)
    for note in table.notes:
        say(console, note, "dim", indent + 2)
