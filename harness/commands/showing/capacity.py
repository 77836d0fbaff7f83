"""A search for capacity to a person, a program and an exit code, all from one answer."""

from pathlib import Path

from harness.capacity.document import CapacityDocument, answer, as_json
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.redaction.documents import without_secrets
from harness.run.directory import RunDirectory, write_atomically


def present(
    folder: RunDirectory, document: CapacityDocument, talk: Talk, *,
    output: Path | None = None, figures: Path | None = None,
) -> ExitCode:  # fmt: skip
    """Write the report to `output` or into the search's folder, print text or JSON, and return the exit code."""
    from reports import figures as drawing
    from reports.capacity.html import render_capacity_html
    from reports.capacity.text import print_capacity
    from reports.capacity.view import build_capacity

    document = without_secrets(document)
    view = build_capacity(document)
    report = output or folder.report_path
    write_atomically(report, render_capacity_html(view).encode())
    if figures:
        drawing.write(view, figures)
    print_capacity(view, talk.people, talk.console.width)
    talk.say(f"Report: {report}")
    if talk.as_json:
        talk.document(as_json(document, str(folder.path), str(report)))
    return answer(document).code
