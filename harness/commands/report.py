"""`harness report`: make the report of stored runs, alone or side by side."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.capacity.document import KIND as CAPACITY
from harness.capacity.document import CapacityDocument
from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import add_verbose
from harness.commands.showing import (
    capacity as show_capacity,
)
from harness.commands.showing import (
    imported as show_imported,
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
from harness.commands.showing.publish import ReportFiles
from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.imported.document import KIND as IMPORTED
from harness.micro.document import KIND as MICRO
from harness.micro.document import MicroDocument
from harness.profiling.document import KIND as PROFILE
from harness.profiling.document import ProfileDocument
from harness.run.directory import RunDirectory
from harness.work.stored_runs import kind_of, refuse_unlike

EPILOG = (
    "Stored runs are sequential: the machine may have changed between them, and the report says so. Runs from different "
    "CPUs, numbers of cores, kernels, Pythons or sets of packages are refused side by side (exit code 2), with both "
    "values of each difference; report each by itself."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="a run directory")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="file for the HTML page (default: report.html in each run directory)",
    )
    parser.add_argument(
        "--figures", type=Path, metavar="DIR", help="also write the figures as PNG files into this folder"
    )
    add_no_report(parser)
    add_verbose(parser)


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
    if kind == IMPORTED:
        return _present_imported(directories, files, talk)
    if kind == MICRO:
        refuse_unlike(directories, [one.read_as(MICRO, MicroDocument).environment for one in directories])
        return _present_micro(directories, files, talk)
    if kind == PROFILE:
        refuse_unlike(directories, [one.read_as(PROFILE, ProfileDocument).environment for one in directories])
        return _present_profiles(directories, files, talk)
    refuse_unlike(directories, [one.read().environment for one in directories])
    # The exit code describes this command; the report itself says that a stored run was interrupted.
    return show.present(directories, talk, files=files)


def _present_micro(directories: Sequence[RunDirectory], files: ReportFiles, talk: Talk) -> ExitCode:
    if files.figures:
        raise UsageError("A report of micro-benchmarks has no figures", remedy="Remove --figures")
    return show_micro.present(directories, talk, files=files)


def _present_imported(directories: Sequence[RunDirectory], files: ReportFiles, talk: Talk) -> ExitCode:
    if files.figures:
        raise UsageError("A report of imported results has no figures", remedy="Remove --figures")
    return show_imported.present(directories, talk, files=files)


def _present_profiles(directories: Sequence[RunDirectory], files: ReportFiles, talk: Talk) -> ExitCode:
    if files.figures:
        raise UsageError("A report of profiles has no figures", remedy="Remove --figures")
    return show_profile.present(directories, talk, files=files)


def _present_capacity(directories: Sequence[RunDirectory], files: ReportFiles, talk: Talk) -> ExitCode:
    if len(directories) > 1:
        raise UsageError("Capacity searches cannot share a report", remedy="Report each by itself")
    document = directories[0].read_as(CAPACITY, CapacityDocument)
    return show_capacity.present(directories[0], document, talk, files=files)
