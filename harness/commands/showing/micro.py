"""Finished runs of micro-benchmarks to a person, a program and an exit code, all from one verdict."""

from collections.abc import Sequence

from harness.commands.showing.publish import ALL, ReportFiles, published, text_or_none
from harness.commands.showing.runs import nothing
from harness.console.console import Talk
from harness.errors import ExitCode, worst
from harness.policy.thresholds import Level
from harness.reading.microsummary import as_json, load
from harness.run.directory import RunDirectory


def present(
    directories: Sequence[RunDirectory],
    talk: Talk,
    *,
    files: ReportFiles = ALL,
    interrupted: bool = False,
) -> ExitCode:
    """Read the runs, write the report, print text or JSON, and return what the process should say.

    Raises `InvalidRunError` if there is nothing to read.
    """
    from reports.micro import html, text, view

    if not directories:
        return nothing(
            talk,
            "Interrupted before a benchmark had ended" if interrupted else "",
            remedy="Measure first: harness bench",
        )
    runs = [load(directory.path) for directory in directories]
    shown = view.build(runs)
    with published(lambda: html.render(shown), files, [run.directory for run in runs], talk) as report:
        (text.render if talk.is_verbose else text.render_brief)(shown, talk.people)
    if talk.as_json:
        talk.document({"schema": 1, "report": text_or_none(report), "runs": [as_json(run) for run in runs]})
    codes = [ExitCode.INVALID for run in runs if run.validity.level is Level.INVALID]
    return worst(codes, interrupted=interrupted)
