"""Carry out `harness export`: write a stored run in the formats of other tools."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.export import columns, hgrm, otlp, seconds
from harness.export.openmetrics import as_openmetrics
from harness.reading.judging import JudgedRun
from harness.run.directory import write_atomically
from harness.work import exporting_stacks

_UNSAFE = re.compile(r"[^\w.]+", re.ASCII)
OTLP = "otlp"
"""Format that is sent to a collector instead of written."""


def require(formats: Sequence[str]) -> None:
    """Raise `UsageError` for a format that needs a package which is not installed."""
    if {"parquet", "arrow"} & set(formats):
        columns.require()
    if OTLP in formats:
        otlp.require()


def export(judged: JudgedRun, formats: Sequence[str], folder: Path) -> list[Path]:
    """Write the run in each format into `folder` and return the files; `OTLP` writes none."""
    return [file for name in formats if name in FORMATS for file in FORMATS[name](judged, folder)]


def _write_hgrm(judged: JudgedRun, folder: Path) -> list[Path]:
    run = judged.run
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


def _write_csv(judged: JudgedRun, folder: Path) -> list[Path]:
    path = folder / "seconds.csv"
    write_atomically(path, seconds.as_csv(judged.run).encode())
    return [path]


def _write_parquet(judged: JudgedRun, folder: Path) -> list[Path]:
    path, run = folder / "calls.parquet", judged.run
    columns.write_parquet(run.all_calls, list(run.document.plan.operations), run.document.plan.spans, path)
    return [path]


def _write_arrow(judged: JudgedRun, folder: Path) -> list[Path]:
    path, run = folder / "calls.arrow", judged.run
    columns.write_arrow(run.all_calls, list(run.document.plan.operations), run.document.plan.spans, path)
    return [path]


def _write_openmetrics(judged: JudgedRun, folder: Path) -> list[Path]:
    path = folder / "openmetrics.txt"
    write_atomically(path, as_openmetrics(judged).encode())
    return [path]


def _write_stacks(name: str) -> Callable[[JudgedRun, Path], list[Path]]:
    return lambda judged, folder: exporting_stacks.write(exporting_stacks.of_run(judged.run), [name], folder)


FORMATS: Mapping[str, Callable[[JudgedRun, Path], list[Path]]] = {
    "hgrm": _write_hgrm,
    "csv": _write_csv,
    "parquet": _write_parquet,
    "arrow": _write_arrow,
    "openmetrics": _write_openmetrics,
    **{name: _write_stacks(name) for name in exporting_stacks.FORMATS},
}
