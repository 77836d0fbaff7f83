"""The files of a judged session: written whole, beside its receipt."""

import dataclasses
from pathlib import Path

from harness.run.directory import write_atomically
from reports.session.comment import render_comment
from reports.session.html import render_html
from reports.session.junit import render_junit
from reports.session.model import SessionView

REPORT, COMMENT, JUNIT = "report.html", "comment.md", "junit.xml"


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """Where the files are."""

    report: Path | None
    comment: Path
    junit: Path


def write_all(view: SessionView, folder: Path) -> Written:
    """Write report (where the view links to one), comment and JUnit into `folder`, made if need be, and return where.

    Each file is either whole or as it was before. Raises `HarnessError` if one cannot be written.
    """
    written = Written(folder / REPORT if view.links.report else None, folder / COMMENT, folder / JUNIT)
    if written.report:
        write_atomically(written.report, render_html(view).encode())
    write_atomically(written.comment, render_comment(view).encode())
    write_atomically(written.junit, render_junit(view).encode())
    return written
