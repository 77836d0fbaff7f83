"""`harness export`: stored runs in the formats of other tools."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.commands.showing import runs as show
from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.export import columns, hgrm, seconds
from harness.export.speedscope import as_speedscope
from harness.profiles.stacks.folded import read_folded
from harness.reading.summary import RunSummary, load
from harness.reading.validity import Level
from harness.run.directory import write_atomically

EPILOG = (
    "hgrm: response times by operation as HdrHistogram's percentile distribution, in ms, for its plotter. csv: "
    "seconds.csv, one line for each second and operation. parquet, arrow: every call, warm-up included (before time "
    "zero); they need pyarrow (pip install 'asset-harness[export]'). speedscope: each profile, for speedscope. The exit code is 5 if a run is invalid: its "
    "numbers are written, and should not be used."
)
_UNSAFE = re.compile(r"[^\w.]+", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("directories", nargs="+", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument(
        "--format", choices=tuple(_FORMATS), action="append", help="default csv; may be given several times"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="a folder for each run is made there (default RUN/export)"
    )  # fmt: skip


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    formats = list(dict.fromkeys(args.format or ["csv"]))
    if {"parquet", "arrow"} & set(formats):
        # Before anything is written.
        columns.require()
    with reading(args.directories):
        return _export(args, formats, talk)


def _export(args: argparse.Namespace, formats: Sequence[str], talk: Talk) -> ExitCode:
    runs = [load(path) for path in args.directories]
    exported = []
    for one in runs:
        path = one.directory.path
        folder = args.output / path.resolve().name if args.output else path / "export"
        files = [file for name in formats for file in _FORMATS[name](one, folder)]
        exported.append({"dir": str(path), "validity": one.validity.level, "files": [*map(str, files)]})
        for file in files:
            talk.say(str(file))
        if one.validity.level is Level.INVALID:
            talk.say(f"{path} is invalid: {one.validity.reasons[0]}")
    if talk.as_json:
        talk.document({"schema": 1, "exports": exported})
    return show.validity_code(runs)


def _write_hgrm(run: RunSummary, folder: Path) -> list[Path]:
    parts = {"all": run.total, **(run.operations if len(run.operations) > 1 else {})}
    written: list[Path] = []
    for name, part in parts.items():
        path = folder / f"{_file_name(name, written)}.hgrm"
        text = hgrm.percentile_distribution(part.histograms["response_ns"])
        write_atomically(path, text.encode())
        written.append(path)
    return written


def _file_name(operation: str, written: list[Path]) -> str:
    """Return a name for a file that says its operation and is no other's."""
    word = _UNSAFE.sub("-", operation)[:80].strip("-.") or "operation"
    taken = {path.stem for path in written}
    return word if word not in taken else f"{word}-{len(taken)}"


def _write_csv(run: RunSummary, folder: Path) -> list[Path]:
    path = folder / "seconds.csv"
    write_atomically(path, seconds.as_csv(run).encode())
    return [path]


def _write_parquet(run: RunSummary, folder: Path) -> list[Path]:
    path = folder / "calls.parquet"
    columns.write_parquet(run.all_calls, list(run.document.plan.operations), run.document.plan.spans, path)
    return [path]


def _write_arrow(run: RunSummary, folder: Path) -> list[Path]:
    path = folder / "calls.arrow"
    columns.write_arrow(run.all_calls, list(run.document.plan.operations), run.document.plan.spans, path)
    return [path]


def _write_speedscope(run: RunSummary, folder: Path) -> list[Path]:
    """Write every profile of the run; a run without one has none to write."""
    written = []
    for path in sorted(run.directory.path.glob("*/*.folded")):
        to = folder / f"{path.stem}.speedscope.json"
        text = as_speedscope(path.stem, [(f"{run.label} {path.stem}", read_folded(path))])
        write_atomically(to, text.encode())
        written.append(to)
    return written


_FORMATS: Mapping[str, Callable[[RunSummary, Path], list[Path]]] = {
    "hgrm": _write_hgrm,
    "csv": _write_csv,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
    "speedscope": _write_speedscope,
}
