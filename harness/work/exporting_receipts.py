"""Carry out `harness export` of receipts: the figures of the gate for tools that keep a history."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.export.figures import Figure, Row, as_bencher, as_github, as_otava
from harness.judge import policy_file
from harness.judge.judge import judge
from harness.judge.metrics import LOAD_METRICS
from harness.judge.verdict import Comparison, Judgement, Kind, Verdict
from harness.run.directory import write_atomically
from harness.session.receipt import Receipt
from harness.session.receipt_file import NAME, read_receipt

FORMATS = ("bencher", "github-benchmark", "otava")
_MORE_IS_BETTER = frozenset(one.name for one in LOAD_METRICS.values() if one.worse < 0)
_NO_FIGURE = frozenset({Verdict.INVALID, Verdict.REMOVED})


@dataclasses.dataclass(slots=True)
class Exported:
    """A receipt with its judgement, and the files that were written of it."""

    place: Path
    receipt: Receipt
    judgement: Judgement
    files: list[Path] = dataclasses.field(default_factory=list)


def is_receipt(place: Path) -> bool:
    """Return True for a receipt, or a session's folder: anything else is taken for a run directory."""
    return (place.is_file() and place.suffix == ".json") or (place / NAME).is_file()


def export_receipts(
    places: Sequence[Path], formats: Sequence[str], output: Path | None
) -> tuple[list[Exported], tuple[str, ...]]:
    """Write the receipts in each format; return them, and the metrics that have no column in Otava's common table.

    Raises `UsageError` for a format of runs, before the first file is written.
    """
    if foreign := [name for name in formats if name not in FORMATS]:
        raise UsageError(
            f"A receipt cannot be written as {' or '.join(foreign)}",
            remedy=f"Choose from {', '.join(FORMATS)}",
        )
    found = [_judged(place) for place in places]
    for one in found:
        folder = _folder(one.place, output)
        figures = figures_of(one.judgement)
        if "bencher" in formats:
            one.files.append(_write(folder / "bencher.json", as_bencher(figures)))
        if "github-benchmark" in formats:
            for better in sorted({figure.more_is_better for figure in figures} or {False}):
                name = "github-bigger-is-better.json" if better else "github-smaller-is-better.json"
                one.files.append(_write(folder / name, as_github(figures, more_is_better=better)))
    left_out: tuple[str, ...] = ()
    if "otava" in formats:
        text, left_out = as_otava([_row(one) for one in found])
        found[0].files.append(_write((output or _folder(found[0].place, None)) / "otava.csv", text))
    return found, left_out


def figures_of(judgement: Judgement) -> list[Figure]:
    """Return the candidate's figures: of benchmarks that it ran, and neither of limits nor of invalid comparisons."""
    return [
        Figure(
            one.benchmark, one.metric, one.unit, one.candidate, *_interval(one),
            more_is_better=one.metric in _MORE_IS_BETTER, note=str(one.verdict),
        )
        for one in judgement.comparisons
        if one.kind is not Kind.LIMIT and one.verdict not in _NO_FIGURE
        and one.candidate is not None and math.isfinite(one.candidate)
    ]  # fmt: skip


def _interval(one: Comparison) -> tuple[float | None, float | None]:
    """Return the interval of the change at the candidate's value; None for a metric whose change is no ratio."""
    if None in {one.low, one.high, one.change, one.candidate} or one.unit == "share":
        return None, None
    low, high, change, value = (float(part or 0.0) for part in (one.low, one.high, one.change, one.candidate))
    return value * (1 + low) / (1 + change), value * (1 + high) / (1 + change)


def _judged(place: Path) -> Exported:
    receipt = read_receipt(place)
    policy = policy_file.from_table(receipt.policy, where="the receipt's policy")
    return Exported(place, receipt, judge(receipt, policy))


def _row(one: Exported) -> Row:
    values = {f"{figure.benchmark} {figure.metric}": figure.value for figure in figures_of(one.judgement)}
    return Row(one.receipt.started_at, one.receipt.candidate.revision or one.receipt.candidate.label, values)


def _folder(place: Path, output: Path | None) -> Path:
    session = place if place.is_dir() else place.parent
    return output / session.resolve().name if output else session / "export"


def _write(path: Path, text: str) -> Path:
    write_atomically(path, text.encode())
    return path
