"""Write the files of a judged session, each in one atomic step, beside its session record."""

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
    """Paths of the written files."""

    report: Path | None
    comment: Path
    junit: Path


def write_all(view: SessionView, folder: Path) -> Written:
    """Write report (if the view links to one), comment and JUnit into `folder`, made if missing; return their paths.

    Each file is either complete or unchanged. Raises `HarnessError` if one cannot be written.
    """
    written = Written(folder / REPORT if view.links.report else None, folder / COMMENT, folder / JUNIT)
    if written.report:
        write_atomically(written.report, render_html(view).encode())
    write_atomically(written.comment, render_comment(view).encode())
    write_atomically(written.junit, render_junit(view).encode())
    return written
