"""Derive the exit code of a command from the judged runs that it shows."""

from collections.abc import Sequence

from harness.errors import ExitCode, worst
from harness.policy.thresholds import Level
from harness.reading.judging import JudgedRun


def validity_code(runs: Sequence[JudgedRun]) -> ExitCode:
    """Return 5 if a run is invalid, or a stage with limits of its own; else 0."""
    return worst(ExitCode.INVALID for run in runs if _is_invalid(run))


def _is_invalid(run: JudgedRun) -> bool:
    levels = [
        run.validity.level,
        *(stage.validity.level for stage in run.stages if stage.span.slo),
    ]
    return Level.INVALID in levels


def exit_code(runs: Sequence[JudgedRun], *, interrupted: bool = False) -> ExitCode:
    """Return 130 if the user stopped the work, 3 if a run broke a limit, 5 if one is invalid, else 0.

    A limit that too few calls leave uncertified does not fail; limits are not judged on an invalid run or stage.
    """
    codes = [validity_code(runs)]
    codes += [ExitCode.LIMIT_BROKEN for run in runs for finding in run.slo if finding.is_broken]
    return worst(codes, interrupted=interrupted)
