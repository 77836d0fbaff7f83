"""Print an ablation to a terminal: the most important effect of each switch."""

import io
from typing import TextIO

from rich.console import Console

from reports.ablation.model import AblationView
from reports.shared.brief import Brief, first_rows, print_brief
from reports.shared.plain import console_of, print_next, print_table, say


def render_ablation_text(view: AblationView, width: int = 80) -> str:
    """Return the text without colour, in lines of at most `width`."""
    stream = io.StringIO()
    print_ablation(view, stream, width)
    return stream.getvalue()


def print_ablation(view: AblationView, stream: TextIO, width: int = 80) -> None:
    """Write the ablation to `stream`, in colour if it is a terminal."""
    console = console_of(stream, width)
    _head(console, view)
    print_table(console, view.summary)
    console.print()
    for words in view.trust:
        say(console, words, "dim")
    print_next(console, view.next_command)


def print_brief_ablation(view: AblationView, stream: TextIO, width: int = 80) -> None:
    """Write the answer, the greatest effects and the next step, in at most 29 lines."""
    print_brief(
        console_of(stream, width),
        Brief(
            head=[lambda to: _head(to, view)],
            details=[],
            table=first_rows(view.summary, ()),
            rows=len(view.summary.rows),
            next_command=view.next_command,
            tail=[lambda to: say(to, view.trust[0], "dim")] if view.trust else (),
        ),
    )


def _head(console: Console, view: AblationView) -> None:
    say(console, view.title, "bold")
    if view.subtitle:
        say(console, view.subtitle, "dim")
    console.print()
    say(console, view.sentence)
