"""Print a history to a terminal: the answer, each course with its sparkline, and the next command."""

from collections.abc import Sequence
from typing import TextIO

from rich.table import Table as RichTable
from rich.text import Text

from reports.history.model import CourseView, HistoryView
from reports.shared.brief import Brief, print_brief, saying
from reports.shared.plain import console_of, grid, print_head, print_next, say
from reports.shared.visible import visible
from reports.shared.words import plural

_MOST_BRIEF = 14
_STYLES = {"grew": "bold red", "not tied": "yellow", "open": "yellow", "within": "green"}


def print_text(view: HistoryView, stream: TextIO, width: int = 80) -> None:
    """Write the whole history to `stream`."""
    console = console_of(stream, width)
    print_head(console, view)
    for reason in view.reasons:
        say(console, f"- {reason}")
    if view.courses:
        console.print()
        console.print(_grid_of(view.courses))
    for course in view.courses:
        for point in course.points:
            say(console, f"{course.benchmark} {course.metric}: {point}", "dim")
    if view.hidden:
        say(
            console, f"{plural(view.hidden, 'more course')} stand in the JSON document and in the CSV.", "dim"
        )
    console.print()
    for words in view.trust:
        say(console, words, "dim")
    print_next(console, view.next_command)


def print_brief_text(view: HistoryView, stream: TextIO, width: int = 80) -> None:
    """Write the answer, the courses that grew most and the next step in at most 29 lines."""

    def table(rows: int) -> RichTable | None:
        return _grid_of(view.courses[:rows]) if rows else None

    told = [
        f"{course.benchmark} {course.metric}: {point}"
        for course in view.courses[:3]
        for point in course.points
    ]
    print_brief(
        console_of(stream, width),
        Brief(
            head=[lambda to: print_head(to, view)],
            details=[
                *(saying(f"- {reason}") for reason in view.reasons),
                *(saying(words, "dim") for words in told),
            ],
            table=table,
            rows=min(len(view.courses), _MOST_BRIEF),
            next_command=view.next_command,
        ),
    )


def _grid_of(courses: Sequence[CourseView]) -> RichTable:
    table = grid(
        ("", False), ("benchmark and metric", False), ("course", False), ("change", True), ("interval", True)
    )
    for course in courses:
        table.add_row(
            Text(course.word, _STYLES.get(course.word, "")),
            Text(visible(f"{course.benchmark} {course.metric}")),
            Text(course.spark),
            Text(course.growth),
            Text(course.interval),
        )
    return table
