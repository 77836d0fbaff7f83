"""Finished runs to a person, a program and an exit code: text, HTML, JSON, all from one verdict."""

import contextlib
import gc
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError, InvalidRunError, worst
from harness.reading.run_json import as_json
from harness.reading.summary import RunSummary, load
from harness.reading.validity import Level
from harness.run.directory import RunDirectory, write_atomically


def present(
    directories: Sequence[RunDirectory], talk: Talk, *,
    output: Path | None = None, figures: Path | None = None, interrupted: bool = False,
) -> ExitCode:  # fmt: skip
    """Read the runs, write the report, print text or JSON, and return what the process should say.

    The report goes to `output`, or else into the folder of every run. Raises `InvalidRunError` if there is
    nothing to read.
    """
    if not directories:
        return nothing(
            talk,
            "Interrupted before the run began" if interrupted else "",
            remedy="Run a scenario first: harness run steady",
        )
    runs = [load(directory.path) for directory in directories]
    with no_collections():
        report = _report(runs, output, figures, talk)
    if talk.as_json:
        talk.document({"schema": 1, "report": str(report), "runs": [as_json(run) for run in runs]})
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


def _report(runs: Sequence[RunSummary], output: Path | None, figures: Path | None, talk: Talk) -> Path:
    from reports import html, text, view

    shown = view.build(runs)
    with published(html.render(shown), output, [run.directory for run in runs], talk) as report:
        text.render(shown, talk.people)
    if figures:
        from reports import figures as drawing

        drawing.write(shown, figures)
    return report


@contextlib.contextmanager
def published(
    page: str, output: Path | None, directories: Sequence[RunDirectory], talk: Talk
) -> Iterator[Path]:
    """Write a report to `output`, or else into the folder of every run; say where the last one is after the block.

    The block prints the same for a terminal: after the report is written, and also where it cannot be, which is raised
    then.
    """
    places = [output] if output else [directory.report_path for directory in directories]
    # Half of a pair of surrogates, from a file's name, is no text.
    document = page.encode("utf-8", "replace")
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


def validity_code(runs: Sequence[RunSummary]) -> ExitCode:
    """Return 5 if a run is invalid, or a stage of one that has limits of its own to keep; else 0."""
    return worst(ExitCode.INVALID for run in runs if _is_invalid(run))


def _is_invalid(run: RunSummary) -> bool:
    levels = [
        run.validity.level,
        *(stage.validity.level for stage in run.judged_stages if stage.span.slo),
    ]
    return Level.INVALID in levels


def exit_code(runs: Sequence[RunSummary], *, interrupted: bool = False) -> ExitCode:
    """Return 130 if the user stopped the work, 3 if a run broke a limit, 5 if one is invalid, else 0.

    A limit that is not certified for want of calls is no failure; one that an invalid run or stage seems to keep or
    break is not judged.
    """
    codes = [validity_code(runs)]
    codes += [ExitCode.LIMIT_BROKEN for run in runs for finding in run.slo if finding.is_broken]
    if interrupted:
        codes.append(ExitCode.INTERRUPTED)
    return worst(codes)
