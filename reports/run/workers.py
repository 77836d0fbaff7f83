"""Build the table of a run's workers: the load of each, and its disturbance by the machine."""

from collections.abc import Sequence

from harness.reading.summary import OUTCOME_ORDER
from harness.run.documents import WorkerFacts
from harness.units import format_count, format_ns, format_percent, format_rate
from reports.run.comparison import FEW_CALLS
from reports.run.sides import Side
from reports.shared.model import Cell, Row, Table, Tone

_TIMES = ("p50", "p99")
_PLACE = "placed within"
_OF_SEVERAL_MACHINES = (
    "The workers ran on several machines: 'placed within' is the largest error of a worker's clock against the master's. "
    "Durations are of one clock each and do not contain it."
)


def workers_table(sides: Sequence[Side]) -> Table:
    """Return one row for each worker of each run; without rows where no run had several."""
    labels = [outcome.label for outcome in OUTCOME_ORDER]
    workers = [worker for side in sides for worker in side.run.document.workers]
    shown = [
        label for label in labels
        if label == "completed" or any(worker.outcomes.get(label) for worker in workers)
    ]  # fmt: skip
    has_place = any(worker.placed_within_ns != 0 for worker in workers)
    rows = tuple(
        Row(
            worker.name,
            _cells(side, worker, shown, has_place=has_place),
            group=side.label if len(sides) > 1 else "",
        )
        for side in sides
        for worker in side.run.document.workers
    )
    columns = (
        *(label.replace("_", " ") for label in shown),
        "rate",
        *_TIMES,
        "descheduled",
        *([_PLACE] if has_place else []),
        "ended",
    )
    notes = (
        (
            "Times are response times; rates are of completed calls.",
            *([_OF_SEVERAL_MACHINES] if has_place else []),
        )
        if rows
        else ()
    )
    return Table("workers", "Workers", columns, rows, "Worker", notes)


def _cells(side: Side, worker: WorkerFacts, shown: Sequence[str], *, has_place: bool) -> tuple[Cell, ...]:
    counts = [worker.outcomes.get(label, 0) for label in shown]
    rate_per_s = counts[0] / side.run.measured_s if side.run.measured_s else None
    descheduled = worker.host.descheduled_share
    return (
        *(Cell(format_count(count), count) for count in counts),
        Cell(format_rate(rate_per_s), rate_per_s),
        *(_time(side, worker.response_ns.get(name)) for name in _TIMES),
        Cell(format_percent(descheduled), descheduled),
        *([_place(worker.placed_within_ns)] if has_place else []),
        Cell(_ending(worker)),
    )


def _time(side: Side, value_ns: int | None) -> Cell:
    if side.withheld:
        return Cell("withheld", tone=Tone.MISSING, note=side.withheld)
    if value_ns is None:
        return Cell("–", tone=Tone.MISSING, note=FEW_CALLS)
    return Cell(format_ns(value_ns), value_ns)


def _place(error_ns: int | None) -> Cell:
    if error_ns is None:
        return Cell("unknown", tone=Tone.MISSING, note="The clocks of the machines were not compared")
    return Cell(format_ns(error_ns), error_ns)


def _ending(worker: WorkerFacts) -> str:
    if worker.lost is None:
        return "with the plan"
    return f"{worker.lost}; {format_percent(worker.undone_share)} of the plan undone"
