"""Report what a run's process keeps more and more of: sentences for a terminal, and a table for the page."""

from collections.abc import Iterable, Iterator, Sequence

from harness.policy.growth import Course, Verdict
from harness.reading.growing import Growth
from harness.units import format_minutes
from reports.run.sides import Side
from reports.shared.model import Cell, Row, Table, Tone

_TONES = {Course.GROWS: Tone.WORSE, Course.FLAT: Tone.PLAIN, Course.CANNOT_TELL: Tone.MISSING}


def growth_lines(found: Growth) -> tuple[str, ...]:
    """Return what grows, a sentence for each quantity, then what is flat, then what is open; none for a short run."""
    return tuple(_lines(found))


def growing_lines(found: Growth) -> list[str]:
    """Return a sentence for each quantity that grows."""
    return [_said(verdict) for verdict in found.growing]


def _said(verdict: Verdict) -> str:
    name, sentence = verdict.quantity.name, verdict.sentence
    return f"{name} {sentence.replace('grows', 'grow', 1) if name.endswith('s') else sentence}"


def _lines(found: Growth) -> Iterator[str]:
    yield from growing_lines(found)
    if flat := found.of(Course.FLAT):
        within = ", ".join(
            f"{verdict.quantity.name}{verdict.sentence.removeprefix('flat')}" for verdict in flat
        )
        yield f"flat: {within}"
    if unclear := found.of(Course.CANNOT_TELL):
        needed = [verdict.more_s for verdict in unclear if verdict.more_s is not None]
        needs = (
            f"needs about {format_minutes(max(needed))} more"
            if len(needed) == len(unclear)
            else "cannot tell"
        )
        yield f"{', '.join(verdict.quantity.name for verdict in unclear)} open: {needs}"


def growth_table(sides: Sequence[Side]) -> Table:
    """Return one row for each quantity of each run; without rows for short runs."""
    rows = tuple(
        Row(verdict.quantity.name, _cells(verdict), group=side.label if len(sides) > 1 else "")
        for side in sides
        for verdict in _sorted(side.judged.growth.verdicts)
    )
    reasons = {side.label: side.judged.growth.why_not for side in sides}
    notes = tuple(f"{label}: {why}." for label, why in reasons.items() if why)
    if rows:
        kinds = {side.judged.growth.is_of_server for side in sides if side.judged.growth.verdicts}
        notes += (_METHOD, *(_WHAT[kind] for kind in sorted(kinds)))
    columns = ("growth an hour", "interval", "growth a call", "verdict")
    return Table("growth", "Growth", columns, rows, "Quantity", notes, prose=("verdict",))


_METHOD = (
    "Judged without the first third of the run, by the lowest value of each tenth of the rest; intervals hold with 98 %, also for "
    "memory that moves in lasting steps."
)
_WHAT = {
    False: "Sampled once a second from within the measured process. Memory is resident or swapped, without mapped files.",
    True: "Of the server's process tree. Memory is the sum of the resident sets.",
}


def _sorted(verdicts: Iterable[Verdict]) -> list[Verdict]:
    order = (Course.GROWS, Course.CANNOT_TELL, Course.FLAT)
    return sorted(verdicts, key=lambda verdict: order.index(verdict.course))


def _cells(verdict: Verdict) -> tuple[Cell, ...]:
    write, tone = verdict.quantity.written, _TONES[verdict.course]
    if verdict.per_hour is None or verdict.low is None or verdict.high is None:
        return (*(Cell("–", tone=Tone.MISSING) for _ in range(3)), Cell(verdict.sentence, tone=tone))
    a_call = (
        Cell("–", tone=Tone.MISSING)
        if verdict.per_call is None
        else Cell(write(verdict.per_call[0]), verdict.per_call[0])
    )
    return (
        Cell(write(verdict.per_hour), verdict.per_hour),
        Cell(f"{write(verdict.low)} to {write(verdict.high)}"),
        a_call,
        Cell(_short(verdict), tone=tone),
    )


def _short(verdict: Verdict) -> str:
    """Return the verdict without the figures that have columns of their own."""
    if verdict.course is Course.GROWS:
        return "grows"
    if verdict.course is Course.FLAT:
        return verdict.sentence
    settles = "; it still settles" if "settles" in verdict.sentence else ""
    needs = f"; needs about {format_minutes(verdict.more_s)} more" if verdict.more_s is not None else ""
    return f"{verdict.course}{settles}{needs}"
