"""Findings of a flame graph of two sides: those of its nodes, and the table of functions."""

import dataclasses
from collections.abc import Mapping, Sequence
from html import escape

from harness.profiles.difference.finding import STRICT, Finding, samples_needed
from harness.profiles.difference.frames import SAMPLED, TIMED, Change, FrameChange
from harness.profiles.difference.timed import CAUTION
from harness.profiles.stacks.frames import frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.units import format_count
from reports.flame.tree import short_name
from reports.flame.words import amount, interval, relative, signed

FINDINGS = tuple(Finding)
"""Findings in order; the page refers to each by its index."""

_WORDS = {
    Finding.CHANGED: "changed",
    Finding.SAME: f"same within {100 * STRICT.least_effect:.0f} %",
    Finding.BEYOND_SAMPLING: "beyond sampling error",
    Finding.DIFFERS: "differs between these runs",
    Finding.CANNOT_TELL: "cannot tell",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Locations of functions: the line in the source, and the number in the graph."""

    lines: Mapping[str, int]
    numbers: Mapping[str, int]


def table(
    changes: Sequence[FrameChange],
    labels: Sequence[str],
    unit: str,
    per: str,
    places: Places,
    requests: Mapping[str, int],
    *,
    is_sampled: bool = True,
) -> str:
    """Return the functions with the largest changes of self and total weight, as two HTML tables.

    Rows are per request of their operation; weighted by `requests`, the ones important to all come first.
    """
    shares = {name: count / (sum(requests.values()) or 1) for name, count in requests.items()}
    return "".join(
        _one_table(
            most_changed(changes, which, shares),
            which,
            labels,
            unit,
            per,
            places,
            is_sampled=is_sampled,
        )
        for which in ("own", "whole")
    )


def most_changed(
    changes: Sequence[FrameChange], which: str, shares: Mapping[str, float], rows: int = 20
) -> list[FrameChange]:
    """Return changes that were found first, then the rest, by the size of the change of an average request.

    `which` is `own` (self) or `whole` (total), `shares` the share of the requests of each operation.
    """

    def key(row: FrameChange) -> tuple[bool, float]:
        change = getattr(row, which)
        return not change.finding.is_coloured, -abs(change.change) * shares.get(row.operation, 1.0)

    return sorted((row for row in changes if getattr(row, which).change), key=key)[:rows]


def explain(unit: str, rounds: int = 1) -> str:
    """Return the explanation of the findings, for one run a side or several interleaved `rounds`."""
    if rounds >= STRICT.least_runs:
        return _explain_rounds(unit, rounds)
    if rounds > 1:
        return (
            f"{rounds} interleaved runs a side are too few to call anything changed: it takes"
            f" {STRICT.least_runs - rounds} more. Together they are as good as one: {explain(unit)}"
        )
    if unit == TIMED:
        return (
            "Measured, not sampled: a coloured frame took at least"
            f" {CAUTION:g} times as long in one of these two runs as in the other, per request. Two runs of identical code"
            " can differ by as much on a busy machine: sizes, not proof. Less cannot be told."
        )
    if unit != SAMPLED:
        return (
            "Counted, not sampled: a coloured frame differs between these two runs by at least"
            f" {100 * STRICT.least_effect:.0f} %. Whether another pair of runs would differ too is not tested."
        )
    few, more = samples_needed(0.2), samples_needed(STRICT.least_effect)
    return (
        "One run a side: a coloured frame differs beyond sampling error (false discovery rate"
        f" {100 * STRICT.false_discovery:.0f} %, at least {100 * STRICT.least_effect:.0f} %), which does not say that the code changed it:"
        f" that takes {STRICT.least_runs} interleaved runs a side. Grey frames cannot be told; a change of 20 % takes"
        f" {format_count(few)} samples of a frame a side, one of 5 % {format_count(more)}."
    )


def _explain_rounds(unit: str, rounds: int) -> str:
    few, more = samples_needed(0.2), samples_needed(STRICT.least_effect)
    told = (
        f"{rounds} interleaved runs a side: a coloured frame changed by at least {100 * STRICT.least_effect:.0f} %, and by more"
        f" than the runs of one side differ among themselves (false discovery rate {100 * STRICT.false_discovery:.0f} %)."
    )
    if unit != SAMPLED:
        return f"{told} Counted, not sampled: the interval is from the closest runs of both sides to the farthest."
    return (
        f"{told} Grey frames are the same within {100 * STRICT.least_effect:.0f} %, or cannot be told: a change of 20 % takes"
        f" {format_count(few)} samples of a frame a side, one of 5 % {format_count(more)}."
    )


def _one_table(
    rows: Sequence[FrameChange],
    which: str,
    labels: Sequence[str],
    unit: str,
    per: str,
    places: Places,
    *,
    is_sampled: bool,
) -> str:
    if not rows:
        return f"<p>No function differs by its {which} weight.</p>\n"
    heads = "".join(
        f'<th scope="col">{escape(head)}</th>'
        for head in (
            "function",
            *labels,
            "change",
            "95 % interval",
            "share",
            "in both runs" if not is_sampled else "samples" if unit == TIMED else "weight",
            "finding",
        )
    )
    body = "".join(_row(row, getattr(row, which), unit, places, is_sampled=is_sampled) for row in rows)
    return (
        f"<details{' open' if which == 'own' else ''}><summary>Functions by the change of their {which} weight,"
        f" {escape(per)}</summary>\n"
        f'<div class="flame-table" tabindex="0"><table><thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody></table></div></details>\n'
    )


def function_cell(frame: str, places: Places, operation: str = "") -> str:
    """Return a function's name, its location below, and its number, by which the script opens it in the graph."""
    path = frame_path(frame)
    name = frame.removesuffix(f" ({path})") if path else frame.removeprefix(MARKER_PREFIX)
    number = places.numbers.get(frame) if path else None
    known = "" if number is None else f' data-name="{number}" data-root="{escape(operation)}"'
    line = f":{places.lines[frame]}" if frame in places.lines else ""
    place = f"{short_name(path)}{line}" if path else ""
    # Paths may wrap at their folders.
    breaking = escape(place).replace("/", "/<wbr>")
    where = [text for text in (breaking, escape(short_name(operation))) if text]
    return (
        f'<code{known}>{escape(short_name(name))}</code> <span class="flame-path">{" · ".join(where)}</span>'
    )


def _row(row: FrameChange, change: Change, unit: str, places: Places, *, is_sampled: bool) -> str:
    cells = (
        amount(change.before, unit),
        amount(change.after, unit),
        signed(change.change, unit),
        interval(change, unit),
        relative(change),
        format_count(round(change.samples)) if is_sampled else amount(change.samples, unit),
    )
    tone = ("more" if change.change > 0 else "less") if change.finding.is_coloured else "untold"
    return (
        f'<tr class="flame-{tone}"><th scope="row">'
        f"{function_cell(row.frame, places, row.operation)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + f"<td>{escape(_WORDS[change.finding])}</td></tr>\n"
    )
