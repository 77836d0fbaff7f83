"""Divide the change of a response time (mean, p95, p99) into parts, and these into functions that ran or waited."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from harness.profiles.difference.attribution import RUN, Attributed
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.reading.attributing import MEAN, ChangeOfTime, changes_of_time
from harness.reading.tails import LEAST_CALLS, needed
from harness.table.histogram import PERCENTILES
from harness.units import format_count, format_ns, format_percent
from reports.flame.tree import short_name
from reports.flame.words import slug
from reports.run.model import Attribution, AttributionRow, ProfileView
from reports.run.sides import Side
from reports.run.timesplit import PART_NAMES

_FRAMES = 4
_LEAST_SHARE = 0.02
"""Share of the largest change of a part below which functions are summed."""
# Rounding errors of floating-point sums are far below a millionth of a nanosecond.
_DIGITS = 6
_CPU, _WAITING = "cpu-cpu", "wait-wait"


def attributions(sides: Sequence[Side], profiles: Sequence[ProfileView]) -> tuple[Attribution, ...]:
    """Divide the largest changes of response times, the last run against the first.

    Empty unless both runs show latencies and were split.
    """
    if len(sides) != 2 or any(side.withheld for side in sides):
        return ()
    graphs = {
        view.key: slug(view.title, [side.label for side in sides])
        for view in profiles
        if len(view.sides) == 2 and view.key in {_CPU, _WAITING}
    }
    found = changes_of_time([side.run for side in sides], [_cpu(profiles, side.label) for side in sides])
    return tuple(_made(change, graphs) if change.parts else _too_few(change) for change in found)


def _cpu(profiles: Sequence[ProfileView], label: str) -> Mapping[str, Profile]:
    found = next((view.sides[label] for view in profiles if view.key == _CPU and label in view.sides), None)
    return found.profile.by_operation() if found else {}


def _note(change: ChangeOfTime) -> str:
    if change.metric != MEAN:
        return _tail_note(change.metric, change.calls)
    if change.has_run:
        return ""
    return "Run time is not divided: there is no CPU profile of this operation on both sides."


def _tail_note(tail: str, around: Sequence[int]) -> str:
    calls = " and ".join(map(format_count, around))
    half = (1 - PERCENTILES[tail]) * 50
    low, high = (100 * PERCENTILES[tail] + sign * half for sign in (-1, 1))
    return (
        f"Means of the {calls} calls around {tail}, from p{low:g} to p{high:g}. Unexplained is {tail} less their mean. Run time"
        " is not divided: a CPU profile does not know which calls are slow."
    )


def _too_few(change: ChangeOfTime) -> Attribution:
    tail, calls = change.metric, " and ".join(map(format_count, change.calls))
    return Attribution(
        operation=change.operation, metric=tail, before="", after="", change="", change_ns=0.0, calls=min(change.calls), rows=(),
        note=f"{tail} is not divided: it takes {format_count(needed(PERCENTILES[tail]))} calls on each side, so that"
        f" {LEAST_CALLS} stand around it. There are {calls}.",
    )  # fmt: skip


def _made(change: ChangeOfTime, graphs: Mapping[str, str]) -> Attribution:
    writing = _Writing(change, graphs)
    return Attribution(
        operation=change.operation,
        metric=change.metric,
        before=format_ns(change.before_ns),
        after=format_ns(change.after_ns),
        change=_signed(change.change_ns),
        change_ns=change.change_ns,
        calls=min(change.calls),
        rows=tuple(row for part in change.parts for row in writing.rows(part)),
        note=_note(change),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Writing:
    """Formats the rows of one change."""

    change: ChangeOfTime
    graphs: Mapping[str, str]

    def rows(self, part: Attributed) -> Iterator[AttributionRow]:
        """Return a part, and below it the functions that changed most and the sum of the others."""
        label = PART_NAMES.get(part.name, part.name)
        yield self._row(part, label, interval=self._interval(part))
        least_ns = _LEAST_SHARE * max((abs(frame.change_ns) for frame in part.frames), default=0.0)
        shown = [frame for frame in part.frames[:_FRAMES] if abs(frame.change_ns) >= least_ns]
        if len(part.frames) == len(shown) + 1:
            shown.append(part.frames[-1])
        for frame in shown:
            yield self._frame(frame, label, self.graphs.get(_CPU if part.name == RUN else _WAITING, ""))
        rest = part.frames[len(shown) :]
        if rest:
            times = sum(row.before_ns for row in rest), sum(row.after_ns for row in rest)
            what = f"{len(rest)} other functions"
            yield self._row(Attributed("rest", what, *times), what, of=label)

    def _frame(self, frame: Attributed, of: str, graph: str) -> AttributionRow:
        path = frame_path(frame.name)
        name = frame.name.removesuffix(f" ({path})") if path else frame.name
        operation = quote(MARKER_PREFIX + self.change.operation, safe="")
        link = f"#flame={graph}&op={operation}&q={quote(frame.name, safe='')}" if graph and path else ""
        return self._row(frame, short_name(name), path=short_name(path), of=of, link=link)

    def _row(
        self, row: Attributed, label: str, *, path: str = "", of: str = "", link: str = "", interval: str = ""
    ) -> AttributionRow:
        return AttributionRow(
            label=label,
            path=path,
            before=_time(row.before_ns),
            after=_time(row.after_ns),
            change=_signed(row.change_ns),
            change_ns=row.change_ns,
            interval=interval,
            share=_percent(row.change_ns / self.change.change_ns) if self.change.change_ns else "–",
            link=link,
            of=of,
        )

    def _interval(self, part: Attributed) -> str:
        """Return the interval of the change of a part; empty where too few time slices have calls."""
        reach = self.change.reach_ns.get(part.name)
        if reach is None:
            return ""
        return f"{_signed(part.change_ns - reach)} to {_signed(part.change_ns + reach)}"


def _percent(share: float) -> str:
    return format_percent(round(share, _DIGITS)).replace("-", "−")


def _time(value_ns: float) -> str:
    return format_ns(round(value_ns, _DIGITS)).replace("-", "−")


def _signed(value_ns: float) -> str:
    value_ns = round(value_ns, _DIGITS)
    sign = "−" if value_ns < 0 else "+" if value_ns > 0 else "±"
    return sign + format_ns(abs(value_ns))
