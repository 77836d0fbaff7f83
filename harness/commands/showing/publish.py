"""Write the page of a report to its place, or skip it under `--no-report`."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.console.console import Talk
from harness.errors import HarnessError
from harness.redaction.visible import typed
from harness.run.directory import RunDirectory, write_atomically


@dataclasses.dataclass(frozen=True, slots=True)
class ReportFiles:
    """The files that a command makes for people.

    Without `output` the page goes into the folder of every run; without `figures` no PNG file is made. If the page is
    not `wanted`, the command makes neither page nor figures.
    """

    output: Path | None = None
    figures: Path | None = None
    wanted: bool = True


ALL = ReportFiles()
"""A page in every run directory, and no PNG files."""


@contextlib.contextmanager
def published(
    render: Callable[[], str], files: ReportFiles, directories: Sequence[RunDirectory], talk: Talk
) -> Iterator[Path | None]:
    """Write the page that `render` returns to `files.output`, else into the folder of every run; print its place after the block.

    The block prints the same results on the terminal. It gets the place of the last page, or None if no page is wanted;
    the last line then names the command that makes one. The block also runs if the page cannot be written; the
    `HarnessError` is raised after it.
    """
    if not files.wanted:
        yield None
        say_unmade(talk, "harness", "report", *(str(directory.path) for directory in directories))
        return
    places = [files.output] if files.output else [directory.report_path for directory in directories]
    # A file's name may bring a lone surrogate, which UTF-8 cannot encode.
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
    """Print that no page was made, and the command that makes it from the stored data."""
    talk.say(f"Report: not made (--no-report). Make it with: {typed(*command)}")


def text_or_none(place: Path | None) -> str | None:
    """Return the place of a page for a JSON document: None if no page was made."""
    return None if place is None else str(place)
