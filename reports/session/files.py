"""Write the files of a judged session, each in one atomic step, beside its session record."""

import dataclasses
from pathlib import Path

from harness.judge.verdict import Judgement
from harness.run.directory import write_atomically
from reports.session.comment import render_comment
from reports.session.html import render_html
from reports.session.junit import render_junit
from reports.session.model import SessionView
from reports.session.openmetrics import render_openmetrics

REPORT, COMMENT, JUNIT, METRICS = "report.html", "comment.md", "junit.xml", "metrics.txt"


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """Paths of the written files."""

    report: Path | None
    comment: Path
    junit: Path
    metrics: Path | None


def write_all(view: SessionView, folder: Path, judgement: Judgement | None = None) -> Written:
    """Write report (if the view links to one), comment, JUnit and the judgement's metrics into `folder`, made if missing.

    Each file is either complete or unchanged. Raises `HarnessError` if one cannot be written.
    """
    written = Written(
        folder / REPORT if view.links.report else None,
        folder / COMMENT,
        folder / JUNIT,
        folder / METRICS if judgement else None,
    )
    if written.report:
        write_atomically(written.report, render_html(view).encode())
    write_atomically(written.comment, render_comment(view).encode())
    write_atomically(written.junit, render_junit(view).encode())
    if written.metrics and judgement:
        write_atomically(written.metrics, render_openmetrics(judgement).encode())
    return written
