"""Where a change of the mean response went: waits, lag, and the functions that ran, adding up to the change."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from harness.marker import MARKER_PREFIX
from harness.profiles.difference.attribution import Attributed, Latency, attribute
from harness.profiles.folded import Profile
from harness.profiles.frames import frame_path
from harness.units import format_ns
from reports.flame_tree import short_name
from reports.model import Attribution, AttributionRow, FlameSide, ProfileView
from reports.sides import Side, operation_names
from reports.timesplit import PARTS, mean_parts

_OPERATIONS = 5
_ROWS = 8
_LEAST_CALLS = 30


def attributions(
    sides: Sequence[Side], profiles: Sequence[ProfileView], slug: str
) -> tuple[Attribution, ...]:
    """Return the division of the largest changes of mean response, by operation, the last run against the first.

    `slug` names the CPU graph in the page's address. Empty unless both runs may show latencies and were split.
    """
    if len(sides) != 2 or any(side.withheld for side in sides):
        return ()
    by_operation = [_cpu(profiles, side.label) for side in sides]
    found = [
        made for name in operation_names(sides) if (made := _attribution(sides, name, by_operation, slug))
    ]
    return tuple(sorted(found, key=lambda made: -abs(made.change_ns) * made.calls)[:_OPERATIONS])


def _cpu(profiles: Sequence[ProfileView], label: str) -> Mapping[str, Profile]:
    side: FlameSide | None = next(
        (side for view in profiles if view.key == "cpu-cpu" for side in view.sides if side.label == label),
        None,
    )
    return side.profile.by_operation() if side else {}


def _attribution(
    sides: Sequence[Side], name: str, by_operation: Sequence[Mapping[str, Profile]], slug: str
) -> Attribution | None:
    counts = [side.histogram("response_ns", name).count for side in sides]
    parts = [mean_parts(side, name) for side in sides]
    if min(counts) < _LEAST_CALLS or any("run_ns" not in part for part in parts):
        return None
    before, after = (
        Latency(side.mean_ns("response_ns", name) or 0.0, part)
        for side, part in zip(sides, parts, strict=True)
    )
    rows = attribute(before, after, *(found.get(name) for found in by_operation))
    has_frames = any(row.kind == "frame" for row in rows)
    change_ns = after.whole_ns - before.whole_ns
    return Attribution(
        operation=name,
        before=format_ns(before.whole_ns),
        after=format_ns(after.whole_ns),
        change=_signed(change_ns),
        change_ns=change_ns,
        calls=min(counts),
        rows=tuple(_shown(rows, change_ns, name, slug)),
        note=""
        if has_frames
        else "Run time is not divided: there is no CPU profile of this operation on both sides.",
    )


def _shown(rows: Sequence[Attributed], change_ns: float, operation: str, slug: str) -> list[AttributionRow]:
    """Return the largest rows, the sum of the rest, and the unexplained one: together still the whole change."""
    *ranked, unexplained = rows
    shown = [_row(row, change_ns, operation, slug) for row in ranked[:_ROWS]]
    rest = ranked[_ROWS:]
    if rest:
        before, after = sum(row.before_ns for row in rest), sum(row.after_ns for row in rest)
        label = f"{len(rest)} smaller rows"
        shown.append(_row(Attributed("rest", label, before, after), change_ns, operation, slug))
    return [*shown, _row(unexplained, change_ns, operation, slug)]


def _row(row: Attributed, change_ns: float, operation: str, slug: str) -> AttributionRow:
    path = frame_path(row.name) if row.kind == "frame" else ""
    name = row.name.removesuffix(f" ({path})") if path else PARTS.get(row.name, row.name)
    link = f"#flame={slug}&op={quote(MARKER_PREFIX + operation, safe='')}&q={quote(row.name, safe='')}"
    return AttributionRow(
        label=f"run: {short_name(name)}" if row.kind == "frame" else name,
        path=short_name(path),
        before=format_ns(row.before_ns),
        after=format_ns(row.after_ns),
        change=_signed(row.change_ns),
        change_ns=row.change_ns,
        share=_percent(row.change_ns / change_ns) if change_ns else "–",
        link=link if row.kind == "frame" else "",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %".replace("-0 %", "0 %").replace("-", "−")


def _signed(value_ns: float) -> str:
    sign = "−" if value_ns < 0 else "+" if value_ns > 0 else "±"
    return sign + format_ns(abs(value_ns))
