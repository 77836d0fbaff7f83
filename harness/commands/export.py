"""`harness export`: write stored runs, and the figures of receipts, in the formats of other tools."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError, worst
from harness.export import otlp
from harness.judge.verdict import Verdict
from harness.policy.thresholds import Level
from harness.profiling import document as profiled
from harness.reading.codes import validity_code
from harness.reading.judging import JudgedRun, judge
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.work import exporting, exporting_receipts, exporting_stacks

EPILOG = (
    "hgrm: response times in ms by operation, as a percentile distribution for HdrHistogram's plotter. csv: "
    "seconds.csv, one line for each second and operation. parquet, arrow: every call, including warm-up (before time "
    "zero); both need pyarrow (pip install 'asset-harness[export]'). openmetrics: the numbers of the run, for Prometheus. otlp: the "
    "numbers and the slowest calls as traces, sent to an OpenTelemetry collector (pip install 'asset-harness[otlp]'). pprof, firefox, "
    "speedscope: each profile, for go tool pprof, the Firefox Profiler and speedscope; also of runs of harness profile. Of receipts of the "
    "gate: bencher (Bencher Metric Format), github-benchmark (custom JSON of github-action-benchmark), otava (CSV with a row "
    "for each receipt). Such histories compare sessions: counts repeat, times depend on the machine of the day. The exit code is 5 if a run is invalid: its "
    "numbers are written but must not be used."
)
ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_OF_RUNS = (*exporting.FORMATS, exporting.OTLP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "directories", nargs="+", type=Path, metavar="RUN", help="a run directory, or a receipt of the gate"
    )
    parser.add_argument(
        "--format",
        choices=(*_OF_RUNS, *exporting_receipts.FORMATS),
        action="append",
        help="format to write; may be given several times (default csv; pprof for profiles, bencher for receipts)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="parent of one folder for each run (default RUN/export)"
    )  # fmt: skip
    parser.add_argument(
        "--endpoint", metavar="URL",
        help=f"collector for otlp, such as http://localhost:4318 (default: {ENDPOINT_VARIABLE} of the environment)",
    )  # fmt: skip


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    formats = list(dict.fromkeys(args.format or _usual(args.directories)))
    of_receipts = [name for name in formats if name in exporting_receipts.FORMATS]
    if of_receipts and len(of_receipts) < len(formats):
        raise UsageError(
            f"Runs and receipts of the gate have different formats: {', '.join(of_receipts)} are of receipts",
            remedy="Export them separately",
        )
    if of_receipts:
        return _export_receipts(args.directories, formats, args.output, talk)
    # Checked before the first file is written.
    exporting.require(formats)
    endpoint = _endpoint(args.endpoint, formats)
    with reading(args.directories):
        _check_profiles(args.directories, formats)
        return _export(args, formats, endpoint, talk)


def _usual(places: Sequence[Path]) -> list[str]:
    if all(map(exporting_receipts.is_receipt, places)):
        return ["bencher"]
    return ["pprof"] if all(map(_is_profile_run, places)) else ["csv"]


def _is_profile_run(place: Path) -> bool:
    directory = RunDirectory(place)
    return directory.document_path.is_file() and directory.read_head().kind == profiled.KIND


def _endpoint(given: str | None, formats: Sequence[str]) -> str:
    if exporting.OTLP not in formats:
        if given:
            raise UsageError("--endpoint applies to --format otlp", remedy="Add --format otlp")
        return ""
    endpoint = given or os.environ.get(ENDPOINT_VARIABLE, "")
    if not endpoint.startswith(("http://", "https://")):
        raise UsageError(
            f"'{endpoint}' is not the URL of a collector"
            if endpoint
            else "OTLP needs a collector to send to",
            remedy=f"Give its URL: --endpoint http://localhost:4318, or {ENDPOINT_VARIABLE} in the environment",
        )
    return endpoint


def _check_profiles(places: Sequence[Path], formats: Sequence[str]) -> None:
    """Raise `UsageError` for a format that needs calls, of a run without any."""
    needs_calls = [name for name in formats if name not in exporting_stacks.FORMATS]
    without = [place for place in places if _is_profile_run(place)]
    if needs_calls and without:
        raise UsageError(
            f"{without[0]} was made for its profiles alone: it has nothing for {', '.join(needs_calls)}",
            remedy=f"Choose from: {', '.join(exporting_stacks.FORMATS)}",
        )


def _export_receipts(
    places: Sequence[Path], formats: Sequence[str], output: Path | None, talk: Talk
) -> ExitCode:
    with reading(places):
        found, left_out = exporting_receipts.export_receipts(places, formats, output)
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


def _export(args: argparse.Namespace, formats: Sequence[str], endpoint: str, talk: Talk) -> ExitCode:
    runs: list[JudgedRun] = []
    exported: list[dict[str, Any]] = []
    for path in args.directories:
        folder = args.output / path.resolve().name if args.output else path / "export"
        if _is_profile_run(path):
            stacks = exporting_stacks.of_side(profiled.load(path))
            files = exporting_stacks.write(stacks, formats, folder)
            exported.append({"dir": str(path), "files": [*map(str, files)]})
        else:
            runs.append(one := judge(load(path)))
            files = exporting.export(one, formats, folder)
            sent = otlp.send(one, endpoint) if endpoint else []
            exported.append(
                {"dir": str(path), "validity": one.validity.level, "files": [*map(str, files)], "sent": sent}
            )
            for address in sent:
                talk.say(f"Sent to {address}")
            if one.validity.level is Level.INVALID:
                talk.say(f"{path} is invalid: {one.validity.reasons[0]}")
        for file in files:
            talk.say(str(file))
        if not files and not endpoint:
            talk.say(f"{path} has no profile to write: run with --profile cpu,memory")
    if talk.as_json:
        talk.document({"schema": 1, "exports": exported})
    return validity_code(runs)
