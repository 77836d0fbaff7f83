"""Print a profile-only run to a terminal: the differences, their precision, and the next command."""

import dataclasses
import itertools
import shutil
from typing import TextIO

from reports.profile.model import ProfileReport
from reports.shared.brief import Brief, first_rows, print_brief, saying
from reports.shared.layout import narrowed
from reports.shared.plain import console_of, print_head, print_next, print_table, say

_WIDEST = 100
_MOST_ROWS = 6


def render(view: ProfileReport, stream: TextIO, width: int | None = None) -> None:
    """Write the report to `stream`, in colour if it is a terminal, in lines of at most `width` (default: its own)."""
    console = console_of(stream, width or min(shutil.get_terminal_size((_WIDEST, 0)).columns, _WIDEST))
    print_head(console, view)
    for point in view.points:
        say(console, f"- {point}")
    is_cut = bool(view.changed.notes)
    for title, group in itertools.groupby(view.changed.rows, key=lambda row: row.group):
        rows = tuple(group)
        is_cut |= len(rows) > _MOST_ROWS
        print_table(console, dataclasses.replace(view.changed, title=title, rows=rows[:_MOST_ROWS], notes=()))
    if is_cut:
        say(console, "More functions changed: see the report.", "dim")
    print_table(console, view.counts)
    print_next(console, view.next_command)


def render_brief(view: ProfileReport, stream: TextIO, width: int | None = None) -> None:
    """Write the sentence, the functions that changed most and the next step, in at most 29 lines."""
    table = view.counts
    if view.changed.rows:
        # Names of functions need the room: interval and finding are in the whole text.
        table = narrowed(view.changed, view.changed.columns[:3], view.changed.title)
    print_brief(
        console_of(stream, width or min(shutil.get_terminal_size((_WIDEST, 0)).columns, _WIDEST)),
        Brief(
            head=[lambda to: print_head(to, view)],
            details=[saying(f"- {point}") for point in view.points],
            table=first_rows(table, ()),
            rows=min(len(table.rows), _MOST_ROWS),
            next_command=view.next_command,
        ),
    )
