"""Options that say which files a command makes for people."""

import argparse

from harness.commands.showing.publish import ReportFiles
from harness.errors import UsageError


def add_no_report(parser: argparse.ArgumentParser, maker: str = "harness report") -> None:
    """Declare `--no-report`; `maker` is the command that makes the page from the stored results, empty if none can."""
    later = f"; '{maker}' can make them later" if maker else ""
    parser.add_argument(
        "--no-report",
        action="store_true",
        help=f"store the results without HTML and figures, which is quicker{later}",
    )


def report_files(args: argparse.Namespace) -> ReportFiles:
    """Return which files the options ask for. Raises `UsageError` where they contradict each other."""
    asked = ReportFiles(getattr(args, "output", None), getattr(args, "figures", None), not args.no_report)
    if not asked.wanted and (asked.output or asked.figures):
        option = "-o" if asked.output else "--figures"
        raise UsageError(f"{option} and --no-report contradict each other", remedy="Remove one of them")
    return asked
