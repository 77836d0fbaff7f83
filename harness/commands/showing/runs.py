"""Finished runs to a person, a program and an exit code: text, HTML, JSON, all from one verdict."""

import contextlib
import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.commands.showing.publish import ALL, ReportFiles, published, text_or_none
from harness.console.console import Talk
from harness.errors import ExitCode, InvalidRunError
from harness.reading.codes import exit_code
from harness.reading.judging import JudgedRun, judge
from harness.reading.run_json import as_json
from harness.reading.summary import load
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
    if not directories:
        return nothing(
            talk,
            "Interrupted before the run began" if interrupted else "",
            remedy="Run a scenario first: harness run steady",
        )
    with no_collections():
        runs = [judge(load(directory.path)) for directory in directories]
        report = _report(runs, files, talk)
    if talk.as_json:
        talk.document({"schema": 1, "report": text_or_none(report), "runs": [as_json(run) for run in runs]})
    return exit_code(runs, interrupted=interrupted)


def nothing(talk: Talk, interrupted: str, *, remedy: str) -> ExitCode:
    """Say that nothing was measured, where `interrupted` says when; raise `InvalidRunError` where nobody stopped it."""
    if not interrupted:
        raise InvalidRunError("There is no run to report", remedy=remedy)
    talk.say(f"{interrupted}; nothing was measured.")
    if talk.as_json:
        talk.document({"schema": 1, "report": None, "runs": []})
    return ExitCode.INTERRUPTED


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Look for no garbage in the block: of a report little goes in circles, and the stacks of all profiles are not little."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _report(runs: Sequence[JudgedRun], files: ReportFiles, talk: Talk) -> Path | None:
    from reports.run import html, text, view

    shown = view.build(runs)
    directories = [one.run.directory for one in runs]
    with published(lambda: html.render(shown), files, directories, talk) as report:
        (text.render if talk.is_verbose else text.render_brief)(shown, talk.people)
    if files.figures:
        from reports.charts import figures as drawing

        drawing.write(shown, files.figures)
    return report
