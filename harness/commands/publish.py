"""The page of a report to its place: written whole, or left out where nobody wants one."""

import argparse
import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.console.console import Talk
from harness.errors import HarnessError, UsageError
from harness.redaction.visible import typed
from harness.run.directory import RunDirectory, write_atomically


@dataclasses.dataclass(frozen=True, slots=True)
class ReportFiles:
    """Which files a command makes for people.

    Without `output` the page goes into the folder of every run, without `figures` no PNG file is made. If the page is
    not `wanted`, nothing is drawn and no page is made.
    """

    output: Path | None = None
    figures: Path | None = None
    wanted: bool = True


ALL = ReportFiles()
"""A page beside what was measured, and no PNG files."""


def add_no_report(parser: argparse.ArgumentParser) -> None:
    """Declare `--no-report`."""
    parser.add_argument(
        "--no-report",
        action="store_true",
        help="store everything, and make no HTML and no figures: quicker, and they can be made later",
    )


def report_files(args: argparse.Namespace) -> ReportFiles:
    """Return which files the options ask for. Raises `UsageError` where they contradict each other."""
    asked = ReportFiles(getattr(args, "output", None), getattr(args, "figures", None), not args.no_report)
    if not asked.wanted and (asked.output or asked.figures):
        option = "-o" if asked.output else "--figures"
        raise UsageError(f"{option} and --no-report contradict each other", remedy="Leave out one of them")
    return asked


@contextlib.contextmanager
def published(
    render: Callable[[], str], files: ReportFiles, directories: Sequence[RunDirectory], talk: Talk
) -> Iterator[Path | None]:
    """Write the page that `render` returns to `files.output`, or else into the folder of every run; say where after the block.

    The block prints the same for a terminal: after the page is written, and also where it cannot be, which is raised
    then. It gets the place of the last page; None where none is wanted, and then the last line names the command that
    makes one.
    """
    if not files.wanted:
        yield None
        say_unmade(talk, "harness", "report", *(str(directory.path) for directory in directories))
        return
    places = [files.output] if files.output else [directory.report_path for directory in directories]
    # Half of a pair of surrogates, from a file's name, is no text.
    document = render().encode("utf-8", "replace")
    failure: HarnessError | None = None
    try:
        for place in places:
            write_atomically(place, document)
    except HarnessError as error:
        failure = error
    yield places[-1]
    if failure:
        raise failure
    talk.say(f"Report: {places[-1]}")


def say_unmade(talk: Talk, *command: str) -> None:
    """Say that no page was made, and which command makes it of what is stored."""
    talk.say(f"Report: not made (--no-report). Make it with: {typed(*command)}")


def text_or_none(place: Path | None) -> str | None:
    """Return the place of a page as a document has it: null where none was made."""
    return None if place is None else str(place)
