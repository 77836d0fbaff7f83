"""Options that say which files a command makes for people."""

import argparse

from harness.commands.showing.publish import ReportFiles
from harness.errors import UsageError


def add_no_report(parser: argparse.ArgumentParser) -> None:
    """Declare `--no-report`."""
    parser.add_argument(
        "--no-report",
        action="store_true",
        help="store the results without HTML and figures, which is quicker; 'harness report' can make them later",
    )


def report_files(args: argparse.Namespace) -> ReportFiles:
    """Return which files the options ask for. Raises `UsageError` where they contradict each other."""
    asked = ReportFiles(getattr(args, "output", None), getattr(args, "figures", None), not args.no_report)
    if not asked.wanted and (asked.output or asked.figures):
        option = "-o" if asked.output else "--figures"
        raise UsageError(f"{option} and --no-report contradict each other", remedy="Remove one of them")
    return asked
