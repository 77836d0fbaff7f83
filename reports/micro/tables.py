"""Build the tables of micro-benchmarks: the times of one run, the medians of several, and missing ones."""

from collections.abc import Sequence
from typing import Protocol

from harness.micro.document import Benchmark
from harness.reading.comparing import TIME_CAUTION, Better
from harness.reading.microsummary import NOISY_IQR_SHARE, MicroSummary, is_noisy
from harness.units import format_count, format_ns, format_percent, format_rate
from reports.shared.model import Cell, Row, Table, Tone
from reports.shared.ratios import with_ratio

_NOISY = "noisy"


class Labelled(Protocol):
    """A run under a label that is unique in the report."""

    @property
    def label(self) -> str:
        """Label of the run."""

    @property
    def run(self) -> MicroSummary:
        """The run."""


def times_table(one: Labelled, number: int) -> Table:
    """Return median, spread, minimum, rounds and rate of each benchmark of a run."""
    benchmarks = one.run.benchmarks
    rows = tuple(_row(name, _cells(benchmark), benchmark) for name, benchmark in benchmarks.items())
    return Table(
        f"times-{number}",
        f"Times of {one.label}",
        ("median", "each", "IQR", "min", "rounds", "per second"),
        rows,
        "Benchmark",
        _notes(list(benchmarks.values())),
    )


def comparison_table(labelled: Sequence[Labelled]) -> Table:
    """Return the median of each benchmark in each run, the later ones with their factor to the first."""
    names = dict.fromkeys(name for one in labelled for name in one.run.benchmarks)
    rows = []
    for name in names:
        found = [one.run.benchmarks.get(name) for one in labelled]
        first, *others = [_median(benchmark) for benchmark in found]
        factors = (with_ratio(first, other, Better.LOWER, TIME_CAUTION) for other in others)
        rows.append(_row(name, (first, *factors), *filter(None, found)))
    columns = tuple(one.label for one in labelled)
    return Table("medians", "Medians side by side", columns, tuple(rows), "Benchmark")


def missing_table(labelled: Sequence[Labelled]) -> Table:
    """Return the benchmarks that were not measured, with the reason."""
    names = dict.fromkeys(name for one in labelled for name in one.run.missing)
    rows = tuple(
        Row(name, tuple(Cell(one.run.missing.get(name, "measured")) for one in labelled)) for name in names
    )
    columns = tuple(one.label for one in labelled)
    return Table("missing", "Not measured", columns, rows, "Benchmark or file", numeric=False)


def _row(name: str, cells: tuple[Cell, ...], *found: Benchmark) -> Row:
    file, _, test = name.partition("::")
    mark = _NOISY if any(is_noisy(benchmark) for benchmark in found) else ""
    return Row(test or file, cells, group=file if test else "", mark=mark)


def _cells(benchmark: Benchmark) -> tuple[Cell, ...]:
    return (
        Cell(format_ns(benchmark.median_ns), benchmark.median_ns),
        _each(benchmark),
        Cell(format_ns(benchmark.iqr_ns), benchmark.iqr_ns),
        Cell(format_ns(benchmark.min_ns), benchmark.min_ns),
        Cell(format_count(benchmark.rounds), benchmark.rounds),
        Cell(format_rate(benchmark.ops_per_s), benchmark.ops_per_s),
    )


def _each(benchmark: Benchmark) -> Cell:
    if benchmark.per_call == 1:
        return Cell("")
    each_ns = benchmark.median_ns / benchmark.per_call
    return Cell(format_ns(each_ns), each_ns, note=f"{benchmark.per_call} in one call")


def _median(benchmark: Benchmark | None) -> Cell:
    if benchmark is None:
        return Cell("–", tone=Tone.MISSING, note="not measured in this run")
    return Cell(format_ns(benchmark.median_ns), benchmark.median_ns, note=_each(benchmark).note)


def _notes(benchmarks: Sequence[Benchmark]) -> tuple[str, ...]:
    notes = []
    if any(is_noisy(benchmark) for benchmark in benchmarks):
        notes.append(
            f"{_NOISY}: the middle half of the rounds (IQR) spreads over more than "
            f"{format_percent(NOISY_IQR_SHARE)} of the median"
        )
    if any(benchmark.per_call > 1 for benchmark in benchmarks):
        notes.append("each: the median by how many of the thing measured one call holds (`per_call`)")
    return tuple(notes)
