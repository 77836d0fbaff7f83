"""Print micro-benchmarks to a terminal: the answer, its validity, the times, and the next command."""

import shutil
from typing import TextIO

from rich.console import Console
from rich.text import Text

from reports.micro.model import MicroCard, MicroView
from reports.shared.brief import Brief, Part, first_rows, print_brief
from reports.shared.model import Cell, Row, Table, Tone
from reports.shared.plain import console_of, grid, print_head, print_next, say
from reports.shared.visible import visible

_WIDEST = 100
_MOST_ROWS = 12
_LEVEL_STYLE = {"valid": "green", "degraded": "yellow", "invalid": "red"}
_TONE_STYLE = {Tone.BETTER: "blue", Tone.WORSE: "red", Tone.SIMILAR: "dim", Tone.MISSING: "dim"}
_TONE_WORD = {Tone.BETTER: " (better)", Tone.WORSE: " (worse)"}


def render(view: MicroView, stream: TextIO, width: int | None = None) -> None:
    """Write the report to `stream`, in colour if it is a terminal, in lines of at most `width` (default: its own)."""
    own = min(shutil.get_terminal_size((_WIDEST, 0)).columns, _WIDEST)
    console = console_of(stream, width or own)
    print_head(console, view)
    for card in view.cards:
        _card(console, card)
    for table in view.tables if view.comparison is None else (view.comparison,):
        _table(console, table)
    _table(console, view.missing)
    console.print()
    for sentence in view.trust:
        say(console, sentence, "dim")
    print_next(console, view.next_command)


def render_brief(view: MicroView, stream: TextIO, width: int | None = None) -> None:
    """Write the sentence, doubts, one table and the next step, in at most 29 lines."""
    own = min(shutil.get_terminal_size((_WIDEST, 0)).columns, _WIDEST)
    tables = view.tables if view.comparison is None else (view.comparison,)
    table = tables[0] if tables else view.missing
    print_brief(
        console_of(stream, width or own),
        Brief(
            head=[lambda to: print_head(to, view)],
            details=[_doubt(card) for card in view.cards if card.reasons],
            table=first_rows(table, (), _cell),
            rows=min(len(table.rows), _MOST_ROWS),
            next_command=view.next_command,
            tail=[lambda to: say(to, view.trust[0], "dim")] if view.trust else (),
        ),
    )


def _doubt(card: MicroCard) -> Part:
    return lambda to: _card(to, card)


def _card(console: Console, card: MicroCard) -> None:
    line = Text(f"{visible(card.label)} is ").append(visible(card.headline), _LEVEL_STYLE[card.level])
    console.print(line)
    for reason in card.reasons:
        say(console, f"- {reason}", indent=2)


def _table(console: Console, table: Table) -> None:
    if not table.rows:
        return
    console.print()
    console.print(Text(visible(table.title), "bold"))
    made = grid((table.label_head, False), *((column, table.numeric) for column in table.columns))
    group = ""
    for row in table.rows:
        if row.group and row.group != group:
            made.add_row(Text(visible(row.group)))
        group = row.group
        made.add_row(_label(row), *(_cell(cell) for cell in row.cells))
    console.print(made)
    for note in table.notes:
        say(console, f"{note}.", "dim")


def _label(row: Row) -> Text:
    label = Text(f"  {visible(row.label)}" if row.group else visible(row.label))
    return label.append(f" {row.mark}" if row.mark else "", "yellow")


def _cell(cell: Cell) -> Text:
    text = Text(visible(cell.text), _TONE_STYLE[Tone.MISSING] if cell.tone is Tone.MISSING else "")
    if cell.ratio_text:
        about = "~ " if cell.tone is Tone.SIMILAR and cell.ratio != 1 else ""
        text.append(
            f"  {about}{cell.ratio_text}{_TONE_WORD.get(cell.tone, '')}", _TONE_STYLE.get(cell.tone, "")
        )
    return text
