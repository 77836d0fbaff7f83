"""Show a run that Locust drove, at the end of the process that drove it."""

import contextlib
import sys

from harness.commands.showing import runs
from harness.commands.showing.publish import ReportFiles
from harness.console.console import Talk
from harness.errors import HarnessError
from harness.run.directory import RunDirectory


def present(directory: RunDirectory, *, beside_json: bool, has_page: bool) -> None:
    """Print a run, to stderr if `beside_json`: Locust prints JSON to stdout then. Write its page if `has_page`."""
    talk = Talk()
    with contextlib.redirect_stdout(sys.stderr) if beside_json else contextlib.nullcontext():
        try:
            runs.present([directory], talk, files=ReportFiles(wanted=has_page))
        except HarnessError as error:
            talk.say(f"harness: {error}")
        talk.lost()
