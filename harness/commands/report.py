"""`harness report`: stored runs again, also side by side."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness import environment
from harness.commands import show, show_micro
from harness.commands.console import Talk
from harness.errors import ExitCode, UsageError
from harness.micro.document import KIND as MICRO
from harness.run import RunDirectory

NAME = "report"
HELP = "render stored runs again, also side by side"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="a run directory")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where the HTML goes")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write the figures as PNG files too")


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    directories = [RunDirectory(path) for path in args.directories]
    if _kind(directories) == MICRO:
        return _present_micro(directories, args, talk)
    documents = [directory.read() for directory in directories]
    for path, document in zip(args.directories[1:], documents[1:], strict=True):
        if differing := environment.differences(documents[0].environment, document.environment):
            talk.say(
                f"{path} was made in another environment than {args.directories[0]}: {', '.join(differing)} "
                "differ, so a difference between their times means nothing."
            )
    # The exit code is of this command: that a stored run was interrupted back then is said in the report.
    return show.present(directories, talk, output=args.output, figures=args.figures)


def _kind(directories: Sequence[RunDirectory]) -> str:
    by_kind = {directory.read_head().kind: directory for directory in directories}
    if len(by_kind) > 1:
        what = " and ".join(
            f"{directory.path} is a {kind} run" for kind, directory in sorted(by_kind.items())
        )
        raise UsageError(
            f"Runs of different kinds have no report together: {what}",
            remedy="Report the runs of each kind by themselves",
        )
    return next(iter(by_kind))


def _present_micro(directories: Sequence[RunDirectory], args: argparse.Namespace, talk: Talk) -> ExitCode:
    if args.figures:
        raise UsageError("A report of micro-benchmarks has no figures", remedy="Leave out --figures")
    return show_micro.present(directories, talk, output=args.output)
