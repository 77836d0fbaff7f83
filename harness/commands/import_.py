"""`harness import`: show results of other tools, and lay them side by side."""

import argparse
from pathlib import Path

from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import add_out
from harness.commands.showing import imported as show
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.work.command_line import command_line
from harness.work.importing import import_files

EPILOG = (
    "Reads pytest-benchmark's JSON (also a folder such as .benchmarks), JMeter's .jtl as CSV, k6's CSV (--out csv=FILE) and "
    "HdrHistogram's .hgrm. Each file becomes a run of kind 'imported', which 'harness report' shows alone or side by side. "
    "Nobody knows how they were measured, so they are never judged."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a result of another tool")
    add_out(parser, "run directories")
    add_no_report(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    files = report_files(args)
    return show.present(import_files(args.files, args.out, command_line()), talk, files=files)
