"""Divide response times into lag, queue, run and waits: on average, for the slowest calls, between runs."""

from collections.abc import Iterator, Mapping, Sequence

from harness.reading.engines import others
from harness.reading.parts import SlowCall, blocked_runs, mean_parts, slowest_calls
from harness.units import format_ns
from reports.run.engine import NOT_SPLIT, is_of_threads
from reports.run.sides import Side, operation_names
from reports.shared.model import Cell, Part, Row, Table

PART_NAMES = {
    "lag_ns": "lag",
    "queue_ns": "queue",
    "run_ns": "executing",
    "wait_busy_ns": "event loop blocked",
    "wait_idle_ns": "I/O wait",
}
SERVICE = "service"
_UNDIVIDED = {**{part: PART_NAMES[part] for part in ("lag_ns", "queue_ns")}, "service_ns": SERVICE}


def split_table(sides: Sequence[Side]) -> Table:
    """Return the mean response of each operation, divided into lag, queue, run and the two waits."""
    names: list[str | None] = [None, *operation_names(sides)] if len(operation_names(sides)) > 1 else [None]
    parts = parts_of(sides)
    rows = [
        _split_row(side, name, parts)
        for name in names
        for side in sides
        if not side.withheld and side.histogram("response_ns", name).count
    ]
    return Table(
        "split",
        "Where the mean response goes",
        ("response", *parts.values()),
        tuple(rows),
        "Operation",
        _split_notes(sides) if rows else (),
    )


def parts_of(sides: Sequence[Side]) -> dict[str, str]:
    """Return the names of the parts of a response: with the parts of service, if it is split in any run."""
    return (
        PART_NAMES
        if any(side.run.facts is not None and side.run.facts.split for side in sides)
        else _UNDIVIDED
    )


def _split_notes(sides: Sequence[Side]) -> tuple[str, ...]:
    threads = [side.label for side in sides if is_of_threads(side)]
    plain = [
        side.label
        for side in sides
        if side.label not in threads and (side.run.facts is None or not side.run.facts.split)
    ]
    notes = ["Lag: sent later than intended. Queue: waiting for a free worker."]
    if parts_of(sides) is PART_NAMES:
        notes[0] += " Executing: running this call."
        notes.append(
            f"Event loop blocked: {others(side.run for side in sides)} ran. I/O wait: the loop was idle until a back end replied."
        )
    if plain:
        notes.append(f"The split of service into run and waits was off in {', '.join(plain)}.")
    if threads:
        notes.append(f"{', '.join(threads)}: {NOT_SPLIT}.")
    return (*notes, *(note for side in sides for note in _blocked(side)))


def _blocked(side: Side) -> Iterator[str]:
    """Yield a note on each operation that blocked the event loop partly without the CPU."""
    for one in blocked_runs(side.run):
        yield (
            f"{side.label}: run of {one.operation} is not all CPU: of its {format_ns(one.held_ns)} in stretches of over 1 ms, "
            f"{format_ns(one.blocked_ns)} were blocked, neither on a processor nor waiting for one."
        )


def _split_row(side: Side, operation: str | None, names: Mapping[str, str]) -> Row:
    parts = mean_parts(side.summary(operation))
    total = sum(parts.values()) or 1.0
    bar = tuple(
        Part(part, PART_NAMES.get(part, SERVICE), value / total, format_ns(value))
        for part, value in parts.items()
    )
    values = [side.mean_ns("response_ns", operation), *(parts.get(part) for part in names)]
    cells = tuple(Cell(format_ns(value), value) if value is not None else Cell("–") for value in values)
    return Row(side.label, cells, group=operation or "all", bar=bar)


def slowest_table(side: Side, key: str, count: int = 10) -> Table:
    """Return the slowest calls of a run with their parts; empty if latencies are withheld."""
    names, traced = parts_of([side]), side.run.document.traceparent
    rows = (
        []
        if side.withheld
        else [_call_row(call, names, traced=traced) for call in slowest_calls(side.run, count)]
    )
    return Table(
        key,
        f"Slowest calls · {side.label}",
        ("operation", "outcome", "response", *names.values(), *(["trace"] if traced else [])),
        tuple(rows),
        "Intended at",
        (side.withheld,) if side.withheld else (),
        prose=("operation", "outcome", "trace"),
    )


def _call_row(call: SlowCall, names: Mapping[str, str], *, traced: bool) -> Row:
    parts = call.parts_ns
    times = tuple(Cell(format_ns(parts[part]), parts[part]) if part in parts else Cell("–") for part in names)
    bar = tuple(
        Part(part, PART_NAMES.get(part, SERVICE), max(value, 0) / max(call.response_ns, 1), format_ns(value))
        for part, value in parts.items()
    )
    labels = (Cell(call.operation), Cell(call.outcome.replace("_", " ")))
    response = Cell(format_ns(call.response_ns), call.response_ns)
    trace = (Cell(call.trace_id or "–"),) if traced else ()
    return Row(f"{call.intended_ns / 1e9:.3f} s", (*labels, response, *times, *trace), bar=bar)


def why_changed(first: Side, other: Side) -> str:
    """Return a sentence on the parts of the change of the mean response; they add up to it."""
    before, after = mean_parts(first.run.total), mean_parts(other.run.total)
    if before.keys() != after.keys():
        return f"{other.label}: the split was on in one run only, so the change cannot be divided."
    steps = {part: after[part] - before[part] for part in before}
    words = [
        f"{PART_NAMES.get(part, SERVICE)} {_signed_ns(step)}"
        for part, step in sorted(steps.items(), key=lambda item: -abs(item[1]))
        if step
    ]
    whole = sum(after.values()) - sum(before.values())
    return f"{other.label} against {first.label}, mean response {_signed_ns(whole)}: {', '.join(words) or 'no part'}."


def _signed_ns(value: float) -> str:
    sign = "\u2212" if value < 0 else "+"
    return sign + format_ns(abs(value))
