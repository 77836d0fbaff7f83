"""Build the table and the charts of what the server under test used."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from harness.reading.server_use import Range, ServerUse, cores_over_time, server_use
from harness.units import format_bytes, format_count, format_ns, format_s, significant
from reports.charts.data import Chart, OverTimePlot, Series
from reports.run.sides import Side, heads
from reports.shared.model import Cell, Row, Table, Tone

_WHAT = (
    "All processes of the server, in the measured time; memory, descriptors, threads and processes from its begin to its end. "
    "Memory that processes share counts for each."
)
_MISSING = Cell("–", tone=Tone.MISSING)


def server_table(sides: Sequence[Side]) -> Table:
    """Return the resources of each run's server; without rows where the harness started none."""
    title = "What the server used"
    if not any(side.run.document.served for side in sides):
        return Table("server", title, heads(sides), (), "Resource")
    uses = [server_use(side.run) for side in sides]
    rows = (
        Row("start until ready", tuple(map(_start, sides))),
        Row("CPU time", tuple(_cell(use.cpu_s if use else None, format_s) for use in uses)),
        Row("processors in use", tuple(_cell(use.cores if use else None, significant) for use in uses)),
        Row(
            "CPU time per request",
            tuple(_cell(use.cpu_ns_per_call if use else None, format_ns) for use in uses),
        ),
        *(_ranges(name, uses) for name in ("memory", "descriptors", "threads", "processes")),
    )
    growths = [
        f"{f'{side.label}: ' if len(sides) > 1 else ''}{use.growth}."
        for side, use in zip(sides, uses, strict=True)
        if use and use.growth
    ]
    return Table("server", title, heads(sides), rows, "Resource", (*growths, _WHAT))


def server_charts(sides: Sequence[Side]) -> Iterator[Chart]:
    """Yield memory and processors of the servers over time."""
    memory, cores = [], []
    for number, side in enumerate(sides):
        served = side.run.document.served
        if served is None:
            continue
        at_s = np.array(served.usage.at_s, float)
        inside = (at_s >= 0) & (at_s <= side.run.measured_s)
        if inside.sum() > 1:
            rss = np.array(served.usage.rss_bytes, float)
            memory.append(Series(side.label, number, at_s[inside], rss[inside]))
        middles_s, used = cores_over_time(served, side.run.measured_s)
        if len(used):
            cores.append(Series(side.label, number, middles_s, used))
    if memory:
        yield Chart(
            "server-memory",
            "Memory of the server over time",
            "Resident memory of all of its processes.",
            OverTimePlot(tuple(memory), "memory", "bytes"),
        )
    if cores:
        yield Chart(
            "server-cpu",
            "Processors that the server used over time",
            "CPU time of all of its processes in each stretch of the measured time.",
            OverTimePlot(tuple(cores), "processors in use", "processors"),
        )


def _start(side: Side) -> Cell:
    served = side.run.document.served
    return Cell(format_s(served.start_s), served.start_s) if served else _MISSING


def _cell(value: float | None, written: Callable[[float], str]) -> Cell:
    return _MISSING if value is None else Cell(written(value), value)


def _ranges(name: str, uses: Sequence[ServerUse | None]) -> Row:
    return Row(name, tuple(_range(name, use) for use in uses))


def _range(name: str, use: ServerUse | None) -> Cell:
    if use is None:
        return _MISSING
    found: Range = use.rss_bytes if name == "memory" else getattr(use, name)
    written = format_bytes if name == "memory" else format_count
    text = (
        written(found.last)
        if found.first == found.last
        else f"{written(found.first)} → {written(found.last)}"
    )
    highest = f"highest {written(found.most)}" if found.most > max(found.first, found.last) else ""
    return Cell(text, found.last, note=highest)
