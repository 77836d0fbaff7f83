"""Finished profile-only runs to a person, a program and an exit code."""

from collections.abc import Sequence
from typing import Any

import msgspec

from harness.commands.showing.publish import ALL, ReportFiles, published, text_or_none
from harness.commands.showing.runs import no_collections, nothing
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError, worst
from harness.profiling import compared
from harness.profiling.document import ProfiledSide, are_interleaved, load
from harness.run.directory import RunDirectory


def present(
    directories: Sequence[RunDirectory],
    talk: Talk,
    *,
    files: ReportFiles = ALL,
    interrupted: bool = False,
) -> ExitCode:
    """Read one side or two, write the report, print text or JSON, and return what the process should say.

    The exit code is 5 where a requested profile is missing. Raises `InvalidRunError` if there is nothing to read, `UsageError` for more than two sides.
    """
    from reports.profile import html, text, view

    if not directories:
        return nothing(
            talk,
            "Interrupted before a round was whole" if interrupted else "",
            remedy="Profile first: harness profile steady",
        )
    if len(directories) > 2:
        raise UsageError(
            "Profiles are compared two by two", remedy="Name two run directories, the base first"
        )
    sides = [load(directory.path) for directory in directories]
    with no_collections():
        found = compared.tested(sides)
        shown = view.build(sides, found)
        with published(lambda: html.render(shown), files, [side.directory for side in sides], talk) as report:
            (text.render if talk.is_verbose else text.render_brief)(shown, talk.people)
    if talk.as_json:
        talk.document(
            {
                "schema": 1,
                "report": text_or_none(report),
                "interleaved": are_interleaved(sides),
                "runs": [_as_json(side) for side in sides],
                "differences": compared.as_json(found),
            }
        )
    codes = [ExitCode.INVALID for side in sides if side.missing]
    return worst(codes, interrupted=interrupted)


def _as_json(side: ProfiledSide) -> dict[str, Any]:
    document = side.document
    return {
        "dir": str(side.directory.path),
        "scenario": document.scenario,
        "target": document.target,
        "variant": document.variant,
        "subject": document.subject,
        "seed": document.seed,
        "rounds": len(document.rounds),
        "interrupted": document.interrupted,
        "missing": side.missing,
        "profiles": {
            kind: [msgspec.to_builtins(one.facts) for one in side.facts(kind)] for kind in document.kinds
        },
    }
