"""`harness export`: write stored runs in the formats of other tools."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.policy.thresholds import Level
from harness.reading.codes import validity_code
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.work import exporting

EPILOG = (
    "hgrm: response times in ms by operation, as a percentile distribution for HdrHistogram's plotter. csv: "
    "seconds.csv, one line for each second and operation. parquet, arrow: every call, including warm-up (before time "
    "zero); both need pyarrow (pip install 'asset-harness[export]'). speedscope: each profile, for speedscope. The exit code is 5 if a run is invalid: its "
    "numbers are written but must not be used."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("directories", nargs="+", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument(
        "--format",
        choices=tuple(exporting.FORMATS),
        action="append",
        help="format to write; may be given several times (default csv)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="parent of one folder for each run (default RUN/export)"
    )  # fmt: skip


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    formats = list(dict.fromkeys(args.format or ["csv"]))
    # Checked before the first file is written.
    exporting.require(formats)
    with reading(args.directories):
        return _export(args, formats, talk)


def _export(args: argparse.Namespace, formats: Sequence[str], talk: Talk) -> ExitCode:
    runs = [judge(load(path)) for path in args.directories]
    exported = []
    for one in runs:
        path = one.run.directory.path
        folder = args.output / path.resolve().name if args.output else path / "export"
        files = exporting.export(one.run, formats, folder)
        exported.append({"dir": str(path), "validity": one.validity.level, "files": [*map(str, files)]})
        for file in files:
            talk.say(str(file))
        if one.validity.level is Level.INVALID:
            talk.say(f"{path} is invalid: {one.validity.reasons[0]}")
    if talk.as_json:
        talk.document({"schema": 1, "exports": exported})
    return validity_code(runs)
