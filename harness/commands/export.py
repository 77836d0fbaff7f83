"""`harness export`: write stored runs, and the figures of receipts, in the formats of other tools."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError, worst
from harness.judge.verdict import Verdict
from harness.policy.thresholds import Level
from harness.reading.codes import validity_code
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.work import exporting, exporting_receipts

EPILOG = (
    "hgrm: response times in ms by operation, as a percentile distribution for HdrHistogram's plotter. csv: "
    "seconds.csv, one line for each second and operation. parquet, arrow: every call, including warm-up (before time "
    "zero); both need pyarrow (pip install 'asset-harness[export]'). speedscope: each profile, for speedscope. Of receipts of the "
    "gate: bencher (Bencher Metric Format), github-benchmark (custom JSON of github-action-benchmark), otava (CSV with a row "
    "for each receipt). Such histories compare sessions: counts repeat, times depend on the machine of the day. The exit code is 5 if a run is invalid: its "
    "numbers are written but must not be used."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "directories", nargs="+", type=Path, metavar="RUN", help="a run directory, or a receipt of the gate"
    )
    parser.add_argument(
        "--format",
        choices=(*exporting.FORMATS, *exporting_receipts.FORMATS),
        action="append",
        help="format to write; may be given several times (default csv; bencher for receipts)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="parent of one folder for each run (default RUN/export)"
    )  # fmt: skip


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    of_receipts = [exporting_receipts.is_receipt(path) for path in args.directories]
    if all(of_receipts):
        return _export_receipts(args, talk)
    formats = list(dict.fromkeys(args.format or ["csv"]))
    if any(of_receipts) or set(formats) & set(exporting_receipts.FORMATS):
        raise UsageError(
            "Runs and receipts of the gate have different formats",
            remedy=f"Export them separately; receipts as {', '.join(exporting_receipts.FORMATS)}",
        )
    # Checked before the first file is written.
    exporting.require(formats)
    with reading(args.directories):
        return _export(args, formats, talk)


def _export_receipts(args: argparse.Namespace, talk: Talk) -> ExitCode:
    formats = list(dict.fromkeys(args.format or ["bencher"]))
    with reading(args.directories):
        found, left_out = exporting_receipts.export_receipts(args.directories, formats, args.output)
    for one in found:
        for file in one.files:
            talk.say(str(file))
        if one.judgement.verdict is Verdict.INVALID:
            talk.say(f"{one.place} is invalid: {(*one.judgement.reasons, 'see its report')[0]}")
    if left_out:
        talk.say(f"Without a column, because not every receipt has them: {', '.join(left_out)}")
    if talk.as_json:
        exports = [
            {"dir": str(one.place), "verdict": str(one.judgement.verdict), "files": [*map(str, one.files)]}
            for one in found
        ]
        talk.document({"schema": 1, "exports": exports})
    return worst(ExitCode.INVALID for one in found if one.judgement.verdict is Verdict.INVALID)


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
