"""Print a search for capacity to a terminal: the answer, its limitations, the probes."""

import dataclasses
import io
from typing import TextIO

from reports.capacity.model import CapacityView
from reports.shared.brief import Brief, first_rows, print_brief, saying
from reports.shared.plain import console_of, print_head, print_next, print_table, say


def render_capacity_text(view: CapacityView, width: int = 80) -> str:
    """Return the text without colour, in lines of at most `width`."""
    stream = io.StringIO()
    print_capacity(view, stream, width)
    return stream.getvalue()


def print_capacity(view: CapacityView, stream: TextIO, width: int = 80) -> None:
    """Write the search to `stream`, in colour if it is a terminal."""
    console = console_of(stream, width)
    print_head(console, view)
    for reason in view.reasons:
        say(console, f"- {reason}", indent=2)
    # The page has the reasons why probes were degraded; here they would hide the answer.
    print_table(console, dataclasses.replace(view.probes, notes=()))
    print_next(console, view.next_command)


def print_brief_capacity(view: CapacityView, stream: TextIO, width: int = 80) -> None:
    """Write the answer, its doubts, the probes and the next step, in at most 29 lines."""
    print_brief(
        console_of(stream, width),
        Brief(
            head=[lambda to: print_head(to, view)],
            details=[saying(f"- {reason}", indent=2) for reason in view.reasons],
            table=first_rows(view.probes, ()),
            rows=len(view.probes.rows),
            next_command=view.next_command,
        ),
    )
