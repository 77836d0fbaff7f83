"""Carry out `harness export`: write a stored run in the formats of other tools."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.export import columns, hgrm, seconds
from harness.export.speedscope import as_speedscope
from harness.profiles.stacks.folded import read_folded
from harness.reading.summary import RunSummary
from harness.run.directory import write_atomically

_UNSAFE = re.compile(r"[^\w.]+", re.ASCII)


def require(formats: Sequence[str]) -> None:
    """Raise `UsageError` for a format that needs a package which is not installed."""
    if {"parquet", "arrow"} & set(formats):
        columns.require()


def export(run: RunSummary, formats: Sequence[str], folder: Path) -> list[Path]:
    """Write the run in each format into `folder` and return the files."""
    return [file for name in formats for file in FORMATS[name](run, folder)]


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
    """Return a unique file name that contains the operation."""
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
    """Write every profile of the run; a run without profiles writes none."""
    written = []
    for path in sorted(run.directory.path.glob("*/*.folded")):
        to = folder / f"{path.stem}.speedscope.json"
        text = as_speedscope(path.stem, [(f"{run.label} {path.stem}", read_folded(path))])
        write_atomically(to, text.encode())
        written.append(to)
    return written


FORMATS: Mapping[str, Callable[[RunSummary, Path], list[Path]]] = {
    "hgrm": _write_hgrm,
    "csv": _write_csv,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
    "speedscope": _write_speedscope,
}
