"""Build tables of outcomes and times by operation and by stage."""

from collections.abc import Sequence

from harness.policy.thresholds import Level
from harness.reading.judging import JudgedStage
from harness.reading.locustfile import beside
from harness.reading.summary import OperationSummary
from harness.table.latency import METRICS
from harness.units import format_count, format_duration, format_ns, format_rate, lower_first
from reports.run.comparison import FEW_CALLS, INTERVAL, percentile_label
from reports.run.model import OperationView
from reports.run.sides import Side, operation_names
from reports.shared.model import Cell, Row, Table, Tone

COLUMNS = ("p50", "p90", "p95", "p99", "p999", "max", "mean")
_METRIC_LABELS = {
    "response_ns": "response",
    "service_ns": "service",
    "lag_ns": "lag",
    "queue_ns": "queue",
    "run_ns": "executing",
    "wait_busy_ns": "event loop blocked",
    "wait_idle_ns": "I/O wait",
    "first_byte_ns": "time to first byte",
}
_OUTCOMES = ("completed", "failed", "timed_out", "dropped", "unfinished", "never_started")


def operations_table(sides: Sequence[Side]) -> Table:
    """Return one row for each operation and run: number of calls, outcomes, response times."""
    shown = [name for name in _OUTCOMES if name == "completed" or _any(sides, name)]
    names: list[str | None] = list(operation_names(sides))
    if len(names) > 1:
        names = [None, *names]
    table_rows = [
        _operation_row(name or "all", side, summary, shown)
        for name in names
        for side in sides
        if (summary := side.summary(name)) is not None
    ]
    return Table(
        "operations",
        "Operations",
        (*(_words(name) for name in shown), *(percentile_label(name) for name in COLUMNS)),
        tuple(table_rows),
        "Operation",
        ("Times are response times, from the intended start. Percentiles are over calls that returned.",),
    )


def _any(sides: Sequence[Side], outcome: str) -> bool:
    return any(side.run.total.outcomes[outcome] for side in sides)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _operation_row(name: str, side: Side, summary: OperationSummary, shown: Sequence[str]) -> Row:
    counts = [Cell(format_count(summary.outcomes[outcome]), summary.outcomes[outcome]) for outcome in shown]
    return Row(side.label, (*counts, *time_cells(side, summary, "response_ns")), group=name)


def time_cells(side: Side, summary: OperationSummary, metric: str, withheld: str = "") -> tuple[Cell, ...]:
    """Return p50 to the mean of one time of one summary; withheld where the run is invalid, or for `withheld`."""
    if why := side.withheld or withheld:
        return tuple(Cell("withheld", tone=Tone.MISSING, note=why) for _ in COLUMNS)
    numbers, intervals = summary.percentiles(metric), summary.intervals(metric)
    return tuple(_time_cell(numbers[column], intervals.get(column)) for column in COLUMNS)


def _time_cell(value_ns: float | None, interval_ns: tuple[int, int] | None) -> Cell:
    if value_ns is not None:
        return Cell(format_ns(value_ns), value_ns)
    if interval_ns is None:
        return Cell("–", tone=Tone.MISSING, note=FEW_CALLS)
    low, high = (format_ns(end) for end in interval_ns)
    return Cell(f"{low} to {high}", tone=Tone.MISSING, note=INTERVAL)


def operation_views(sides: Sequence[Side]) -> tuple[OperationView, ...]:
    """Return for each operation the table of all its times in all runs."""
    return tuple(
        OperationView(name, f"operation-{index}", _times_table(sides, name, f"operation-{index}"))
        for index, name in enumerate(operation_names(sides))
    )


def _times_table(sides: Sequence[Side], name: str, key: str) -> Table:
    rows = []
    for metric in METRICS:
        for side in sides:
            summary = side.summary(name)
            if summary is not None and summary.histograms[metric].count:
                cells = time_cells(side, summary, metric)
                rows.append(Row(side.label, cells, group=_METRIC_LABELS[metric]))
    return Table(key, name, tuple(percentile_label(column) for column in COLUMNS), tuple(rows), "Time")


def stages_table(sides: Sequence[Side]) -> Table:
    """Return planned and achieved rates, outcomes, response times and validity by stage."""
    rows = [_stage_row(side, stage) for side in sides for stage in side.judged.stages]
    rows += [_left_out_row(side, label, part) for side in sides for label, part in beside(side.run).items()]
    order = list(dict.fromkeys(row.group for row in rows))
    rows.sort(key=lambda row: order.index(row.group))
    columns = ("length", "target rate", "completed", "errors", "dropped", "p50", "p99", "max", "validity")
    notes = tuple(
        f"{side.label}, {stage.span.label}: {reason}"
        for side in sides
        if len(side.run.stages) > 1
        for stage in side.judged.stages
        for reason in stage.validity.reasons
        # Findings on the whole run are shown there.
        if reason not in side.judged.validity.reasons
    )
    return Table("stages", "Stages", columns, tuple(rows), "Stage", notes)


def _stage_row(side: Side, stage: JudgedStage) -> Row:
    span, summary = stage.span, stage.summary
    is_open = side.run.document.plan.executor == "open"
    errors = summary.outcomes["failed"] + summary.outcomes["timed_out"]
    rate = _rate_text(span.start_rate_per_s, span.end_rate_per_s) if is_open else "as answered"
    is_invalid = stage.validity.level is Level.INVALID and not side.withheld
    withheld = (
        f"Stage {span.label} is invalid: {lower_first(stage.validity.reasons[0])}" if is_invalid else ""
    )
    times = time_cells(side, summary, "response_ns", withheld)
    cells = (
        Cell(format_duration(round(span.end_s - span.start_s, 3))),
        Cell(rate, (span.start_rate_per_s + span.end_rate_per_s) / 2 if is_open else None),
        Cell(format_rate(stage.throughput_per_s), stage.throughput_per_s),
        *(Cell(format_count(n), n) for n in (errors, summary.outcomes["dropped"])),
        *(times[COLUMNS.index(name)] for name in ("p50", "p99", "max")),
        Cell(str(stage.validity.level)),
    )
    return Row(side.label, cells, group=span.label)


def _left_out_row(side: Side, label: str, part: OperationSummary) -> Row:
    """Return a part of the run that no headline contains; its calls have no span of time of their own."""
    errors = part.outcomes["failed"] + part.outcomes["timed_out"]
    times = time_cells(side, part, "response_ns")
    cells = (
        Cell("left out"),
        Cell("as answered"),
        Cell(f"{format_count(part.outcomes['completed'])} calls", part.outcomes["completed"]),
        *(Cell(format_count(n), n) for n in (errors, part.outcomes["dropped"])),
        *(times[COLUMNS.index(name)] for name in ("p50", "p99", "max")),
        Cell("–"),
    )
    return Row(side.label, cells, group=label)


def _rate_text(start_per_s: float, end_per_s: float) -> str:
    if start_per_s == end_per_s:
        return format_rate(start_per_s)
    return f"{format_rate(start_per_s).removesuffix('/s')} to {format_rate(end_per_s)}"
