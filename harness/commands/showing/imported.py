"""Imported results to a person and a program. Their exit code is 0: nobody judges them."""

from collections.abc import Sequence

import msgspec

from harness.commands.showing.publish import ALL, ReportFiles, published, text_or_none
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.imported.document import KIND, ImportedDocument
from harness.run.directory import RunDirectory


def present(directories: Sequence[RunDirectory], talk: Talk, *, files: ReportFiles = ALL) -> ExitCode:
    """Read the runs, write the report, print text or JSON. Raises `InvalidRunError` for a damaged run."""
    from reports.micro import html, text
    from reports.micro.imported import build

    runs = [(str(one.path), one.read_as(KIND, ImportedDocument)) for one in directories]
    shown = build(runs)
    with published(lambda: html.render(shown), files, directories, talk) as report:
        text.render(shown, talk.people)
    if talk.as_json:
        documents = [{"dir": path, **msgspec.to_builtins(run)} for path, run in runs]
        talk.document({"schema": 1, "report": text_or_none(report), "runs": documents})
    return ExitCode.OK
