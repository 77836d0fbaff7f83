"""A search for capacity to a person, a program and an exit code, all from one answer."""

from harness.capacity.document import CapacityDocument, answer, as_json
from harness.commands.showing.publish import ALL, ReportFiles, published, text_or_none
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.redaction.documents import without_secrets
from harness.run.directory import RunDirectory


def present(
    folder: RunDirectory,
    document: CapacityDocument,
    talk: Talk,
    *,
    files: ReportFiles = ALL,
) -> ExitCode:
    """Write the report, print text or JSON, and return the exit code."""
    from reports.capacity.html import render_capacity_html
    from reports.capacity.text import print_brief_capacity, print_capacity
    from reports.capacity.view import build_capacity
    from reports.charts import figures as drawing

    document = without_secrets(document)
    view = build_capacity(document)
    with published(lambda: render_capacity_html(view), files, [folder], talk) as report:
        show = print_capacity if talk.is_verbose else print_brief_capacity
        show(view, talk.people, talk.console.width)
    if files.figures:
        drawing.write(view, files.figures)
    if talk.as_json:
        talk.document(as_json(document, str(folder.path), text_or_none(report)))
    return answer(document).code
