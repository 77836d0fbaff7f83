"""`harness report`: stored runs again, also side by side."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.capacity.document import KIND as CAPACITY
from harness.capacity.document import CapacityDocument
from harness.commands.publish import ReportFiles, add_no_report, report_files
from harness.commands.showing import (
    capacity as show_capacity,
)
from harness.commands.showing import (
    micro as show_micro,
)
from harness.commands.showing import (
    profile as show_profile,
)
from harness.commands.showing import (
    runs as show,
)
from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.micro.document import KIND as MICRO
from harness.micro.document import MicroDocument
from harness.profiling.document import KIND as PROFILE
from harness.profiling.document import ProfileDocument
from harness.run.directory import RunDirectory
from harness.work.stored_runs import kind_of, refuse_unlike

EPILOG = (
    "Stored runs were not interleaved: the machine may have changed between them, and the report says so. Runs made "
    "on another CPU, number of cores, kernel, Python or set of packages are refused side by side (exit code 2), with "
    "both values of what differs; each can be reported by itself."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="a run directory")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where the HTML goes")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write the figures as PNG files too")
    add_no_report(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    files = report_files(args)
    with reading(args.directories):
        return _report(args.directories, files, talk)


def _report(paths: Sequence[Path], files: ReportFiles, talk: Talk) -> ExitCode:
    directories = [RunDirectory(path) for path in paths]
    kind = kind_of(directories)
    if kind == CAPACITY:
        return _present_capacity(directories, files, talk)
    if kind == MICRO:
        refuse_unlike(directories, [one.read_as(MICRO, MicroDocument).environment for one in directories])
        return _present_micro(directories, files, talk)
    if kind == PROFILE:
        refuse_unlike(directories, [one.read_as(PROFILE, ProfileDocument).environment for one in directories])
        return _present_profiles(directories, files, talk)
    refuse_unlike(directories, [one.read().environment for one in directories])
    # The exit code is of this command: that a stored run was interrupted back then is said in the report.
    return show.present(directories, talk, files=files)


def _present_micro(directories: Sequence[RunDirectory], files: ReportFiles, talk: Talk) -> ExitCode:
    if files.figures:
        raise UsageError("A report of micro-benchmarks has no figures", remedy="Leave out --figures")
    return show_micro.present(directories, talk, files=files)


def _present_profiles(directories: Sequence[RunDirectory], files: ReportFiles, talk: Talk) -> ExitCode:
    if files.figures:
        raise UsageError("A report of profiles has no figures", remedy="Leave out --figures")
    return show_profile.present(directories, talk, files=files)


def _present_capacity(directories: Sequence[RunDirectory], files: ReportFiles, talk: Talk) -> ExitCode:
    if len(directories) > 1:
        raise UsageError("Searches have no report together", remedy="Report each by itself")
    document = directories[0].read_as(CAPACITY, CapacityDocument)
    return show_capacity.present(directories[0], document, talk, files=files)
