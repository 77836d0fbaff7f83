"""A profile-only run for a terminal: what was told apart, how far to trust it, and what to type next."""

import dataclasses
import itertools
import shutil
from typing import TextIO

from reports.profile.model import ProfileReport
from reports.shared.plain import STATUS_STYLE, console_of, print_next, print_table, say

_WIDEST = 100
_MOST_ROWS = 6


def render(view: ProfileReport, stream: TextIO, width: int | None = None) -> None:
    """Write the report to `stream`, in colour if it is a terminal, in lines of at most `width` (default: its own)."""
    console = console_of(stream, width or min(shutil.get_terminal_size((_WIDEST, 0)).columns, _WIDEST))
    say(console, view.title, "bold")
    say(console, view.subtitle, "dim")
    console.print()
    say(console, view.sentence, STATUS_STYLE[view.status])
    for point in view.points:
        say(console, f"- {point}")
    is_cut = bool(view.changed.notes)
    for title, group in itertools.groupby(view.changed.rows, key=lambda row: row.group):
        rows = tuple(group)
        is_cut |= len(rows) > _MOST_ROWS
        print_table(console, dataclasses.replace(view.changed, title=title, rows=rows[:_MOST_ROWS], notes=()))
    if is_cut:
        say(console, "More functions are told apart: see the report.", "dim")
    print_table(console, view.counts)
    print_next(console, view.next_command)
