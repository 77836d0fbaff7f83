"""Build the table of what the server under test used."""

from collections.abc import Callable, Sequence

from harness.reading.server_use import Range, ServerUse, server_use
from harness.units import format_bytes, format_count, format_ns, format_s, significant
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
