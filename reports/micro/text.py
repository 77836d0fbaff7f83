"""Micro-benchmarks for a terminal: what was measured, how far to trust it, the times, and what to type next."""

import shutil
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from reports.micro.model import MicroCard, MicroView
from reports.model import Cell, Row, Status, Table, Tone
from reports.visible import visible

_WIDEST = 100
_STATUS_STYLE = {Status.GOOD: "bold green", Status.CAUTION: "bold yellow", Status.BAD: "bold red"}
_LEVEL_STYLE = {"valid": "green", "degraded": "yellow", "invalid": "red"}
_TONE_STYLE = {Tone.BETTER: "blue", Tone.WORSE: "red", Tone.SIMILAR: "dim", Tone.MISSING: "dim"}
_TONE_WORD = {Tone.BETTER: "better", Tone.WORSE: "worse", Tone.SIMILAR: "~"}


def render(view: MicroView, stream: TextIO, width: int | None = None) -> None:
    """Write the report to `stream`, in colour if it is a terminal, in lines of at most `width` (default: its own)."""
    own = min(shutil.get_terminal_size((_WIDEST, 0)).columns, _WIDEST)
    console = Console(
        file=stream, width=width or own, highlight=False, soft_wrap=False, emoji=False, markup=False
    )
    _say(console, view.title, "bold")
    _say(console, view.subtitle, "dim")
    console.print()
    _say(console, view.sentence, _STATUS_STYLE[view.status])
    for card in view.cards:
        _card(console, card)
    for table in view.tables if view.comparison is None else (view.comparison,):
        _table(console, table)
    _table(console, view.missing)
    console.print()
    for sentence in view.trust:
        _say(console, sentence, "dim")
    console.print()
    console.print(Text("Next: ", "bold"), Text(visible(view.next_command.why), "dim"), sep="")
    # A command is copied: it is never wrapped.
    console.print(Text(f"  {visible(view.next_command.command)}"), soft_wrap=True)


def _say(console: Console, words: str, style: str = "", indent: int = 0) -> None:
    for line in Text(visible(words), style).wrap(console, console.width - indent):
        line.rstrip()
        console.print(Text(" " * indent) + line)


def _card(console: Console, card: MicroCard) -> None:
    line = Text(f"{visible(card.label)} is ").append(visible(card.headline), _LEVEL_STYLE[card.level])
    console.print(line)
    for reason in card.reasons:
        _say(console, f"- {reason}", indent=2)


def _table(console: Console, table: Table) -> None:
    if not table.rows:
        return
    console.print()
    console.print(Text(visible(table.title), "bold"))
    grid = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column(table.label_head, overflow="fold")
    for column in table.columns:
        grid.add_column(Text(visible(column)), justify="right" if table.numeric else "left", overflow="fold")
    group = ""
    for row in table.rows:
        if row.group and row.group != group:
            grid.add_row(Text(visible(row.group)))
        group = row.group
        grid.add_row(_label(row), *(_cell(cell) for cell in row.cells))
    console.print(grid)
    for note in table.notes:
        _say(console, f"{note}.", "dim")


def _label(row: Row) -> Text:
    label = Text(f"  {visible(row.label)}" if row.group else visible(row.label))
    return label.append(f" {row.hint}" if row.hint else "", "yellow")


def _cell(cell: Cell) -> Text:
    text = Text(visible(cell.text), _TONE_STYLE[Tone.MISSING] if cell.tone is Tone.MISSING else "")
    if cell.ratio_text:
        text.append(
            f"  {cell.ratio_text} {_TONE_WORD.get(cell.tone, '')}".rstrip(), _TONE_STYLE.get(cell.tone, "")
        )
    return text
