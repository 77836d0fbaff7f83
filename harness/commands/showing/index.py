"""The index of a folder of runs and sessions: its page, written on demand and kept up to date where it exists."""

from pathlib import Path

import msgspec

from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError
from harness.index.document import Index
from harness.redaction.documents import without_secrets
from harness.run.directory import write_atomically
from harness.work.indexing import PAGE, index_of, remember


def present(folder: Path, talk: Talk) -> ExitCode:
    """Write the page, and print what is on it."""
    index = without_secrets(index_of(folder))
    page = _write(folder, index)
    talk.answer(f"{len(index.entries)} runs and sessions in {folder}")
    if talk.as_json:
        document = msgspec.to_builtins(index)
        talk.document({**document, "report": str(page)})
    talk.say(f"Report: {page}")
    return ExitCode.OK


def refresh(folder: Path, talk: Talk) -> None:
    """Write the page anew where it exists. A failure is said, and changes no result."""
    if not (folder / PAGE).is_file():
        return
    try:
        _write(folder, without_secrets(index_of(folder)))
    except HarnessError as error:
        talk.say(f"harness: The index was not written: {error}")


def _write(folder: Path, index: Index) -> Path:
    from reports.index.html import render_html
    from reports.index.view import build

    page = folder / PAGE
    write_atomically(page, render_html(build(index, folder.resolve().name)).encode("utf-8", "replace"))
    remember(folder, index)
    return page
