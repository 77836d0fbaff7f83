"""An ablation for a terminal: what each switch is worth where it matters most."""

import io
from typing import TextIO

from reports.ablation.model import AblationView
from reports.shared.plain import console_of, print_next, print_table, say


def render_ablation_text(view: AblationView, width: int = 80) -> str:
    """Return the text without colour, in lines of at most `width`."""
    stream = io.StringIO()
    print_ablation(view, stream, width)
    return stream.getvalue()


def print_ablation(view: AblationView, stream: TextIO, width: int = 80) -> None:
    """Write the ablation to `stream`, in colour if it is a terminal."""
    console = console_of(stream, width)
    say(console, view.title, "bold")
    if view.subtitle:
        say(console, view.subtitle, "dim")
    console.print()
    say(console, view.sentence)
    print_table(console, view.summary)
    console.print()
    for words in view.trust:
        say(console, words, "dim")
    print_next(console, view.next_command)
