"""Report the error that ended a command's work early, as a sentence and an exit code."""

from harness.console.console import Talk
from harness.errors import ExitCode, worst
from harness.work.ended import EarlyEnd


def end(ended: EarlyEnd, code: ExitCode, talk: Talk) -> ExitCode:
    """Say which error ended the work early, if one did; return the worse of its exit code and `code`."""
    if ended.error is None:
        return code
    talk.say(f"harness: The work ended early: {ended.error}")
    return worst([code, ended.error.exit_code])
