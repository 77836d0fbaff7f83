"""Where a change of a response time went, its mean, p95 and p99: parts, and functions that ran or waited, adding up to it."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from harness.profiles.capture.wait import ByLatency, read_by_latency
from harness.profiles.difference.attribution import (
    RUN,
    WAIT_BUSY,
    WAIT_IDLE,
    Attributed,
    Latency,
    Own,
    attribute,
    own_weights,
)
from harness.profiles.difference.discovery import student_quantile
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import frame_path
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.reading.tails import LEAST_CALLS, STRETCHES, Around, Tail, needed, read_tails
from harness.table.histogram import PERCENTILES
from harness.units import format_count, format_ns, format_percent
from reports.flame.difference import slug
from reports.flame.tree import short_name
from reports.run.sides import Side, operation_names
from reports.run.timesplit import PARTS
from reports.shared.model import Attribution, AttributionRow, FlameSide, ProfileView

_OPERATIONS = 5
_FRAMES = 4
_LEAST_SHARE = 0.02
"""Of the largest change of a part: a function with less is summed up with others."""
_LEAST_CALLS = 30
_TAILS = ("p95", "p99")
# What is left of sums of floating point is far below a millionth of a nanosecond.
_DIGITS = 6
_CPU, _WAITING = "cpu-cpu", "wait-wait"
_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of one operation in one run."""

    side: Side
    tail: Tail
    cpu: Profile | None
    waits: ByLatency | None


def attributions(sides: Sequence[Side], profiles: Sequence[ProfileView]) -> tuple[Attribution, ...]:
    """Return the division of the largest changes of mean response, by operation, the last run against the first.

    After the mean of an operation come its p95 and p99. Empty unless both runs may show latencies and were split.
    """
    if len(sides) != 2 or any(side.withheld for side in sides):
        return ()
    tails = [read_tails(side.run) for side in sides]
    cpu = [_cpu(profiles, side.label) for side in sides]
    waits = [read_by_latency(side.run.directory.waits_by_latency_path) for side in sides]
    graphs = {
        view.key: slug(view.title, [side.label for side in sides])
        for view in profiles
        if len(view.sides) == 2 and view.key in {_CPU, _WAITING}
    }
    made = []
    for name in operation_names(sides):
        if all(name in found and found[name].count >= _LEAST_CALLS for found in tails):
            seen = [
                _Seen(side, tails[place][name], cpu[place].get(name), waits[place])
                for place, side in enumerate(sides)
            ]
            made.append(tuple(_of_operation(name, seen, graphs)))
    made.sort(key=lambda found: -abs(found[0].change_ns) * found[0].calls)
    return tuple(one for found in made[:_OPERATIONS] for one in found)


def _cpu(profiles: Sequence[ProfileView], label: str) -> Mapping[str, Profile]:
    side: FlameSide | None = next(
        (side for view in profiles if view.key == _CPU for side in view.sides if side.label == label), None
    )
    return side.profile.by_operation() if side else {}


def _of_operation(name: str, seen: Sequence[_Seen], graphs: Mapping[str, str]) -> Iterator[Attribution]:
    means = [one.side.mean_ns("response_ns", name) or 0.0 for one in seen]
    own = _own(name, seen, [one.tail.mean() for one in seen])
    note = (
        ""
        if RUN in own
        else "Run time is not divided: there is no CPU profile of this operation on both sides."
    )
    yield _made(name, "mean response", means, [one.tail.mean() for one in seen], own, graphs, note)
    for tail in _TAILS:
        share = PERCENTILES[tail]
        values = [one.side.histogram("response_ns", name).supported_percentile(share) for one in seen]
        around = [one.tail.around(share) for one in seen]
        found = [calls for calls in around if calls]
        if len(found) < len(seen) or None in values:
            yield _too_few(name, tail, [one.tail.count for one in seen])
            continue
        own = {part: weights for part, weights in _own(name, seen, found).items() if part != RUN}
        yield _made(name, tail, [value or 0 for value in values], found, own, graphs, _tail_note(tail, found))


def _own(name: str, seen: Sequence[_Seen], around: Sequence[Around]) -> dict[str, tuple[Own, Own]]:
    """Return the functions of each part that both sides have a profile of."""
    found: dict[str, tuple[Own, Own]] = {}
    before, after = (one.cpu for one in seen)
    if before and after and before.total > 0 and after.total > 0:
        found[RUN] = own_weights(before), own_weights(after)
    waits = [
        one.waits.of(name, calls.bucket_shares)
        for one, calls in zip(seen, around, strict=True)
        if one.waits is not None
    ]
    if len(waits) == len(seen):
        for place, part in enumerate((WAIT_IDLE, WAIT_BUSY)):
            found[part] = waits[0][place], waits[1][place]
    return found


def _tail_note(tail: str, around: Sequence[Around]) -> str:
    calls = " and ".join(format_count(found.calls) for found in around)
    half = (1 - PERCENTILES[tail]) * 50
    low, high = (100 * PERCENTILES[tail] + sign * half for sign in (-1, 1))
    return (
        f"Means of the {calls} calls around {tail}, from p{low:g} to p{high:g}. Unexplained is {tail} less their mean. Run time"
        " is not divided: a CPU profile does not know which calls are slow."
    )


def _too_few(name: str, tail: str, counts: Sequence[int]) -> Attribution:
    calls = " and ".join(format_count(count) for count in counts)
    return Attribution(
        operation=name, metric=tail, before="", after="", change="", change_ns=0.0, calls=min(counts), rows=(),
        note=f"{tail} is not divided: it takes {format_count(needed(PERCENTILES[tail]))} calls on each side, so that"
        f" {LEAST_CALLS} stand around it. There are {calls}.",
    )  # fmt: skip


def _made(
    name: str, metric: str, values: Sequence[float], around: Sequence[Around], own: Mapping[str, tuple[Own, Own]],
    graphs: Mapping[str, str], note: str,
) -> Attribution:  # fmt: skip
    before, after = (Latency(value, found.parts_ns) for value, found in zip(values, around, strict=True))
    change_ns = after.whole_ns - before.whole_ns
    writing = _Writing(name, change_ns, around, graphs)
    return Attribution(
        operation=name,
        metric=metric,
        before=format_ns(before.whole_ns),
        after=format_ns(after.whole_ns),
        change=_signed(change_ns),
        change_ns=change_ns,
        calls=min(found.calls for found in around),
        rows=tuple(row for part in attribute(before, after, own) for row in writing.rows(part)),
        note=note,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Writing:
    """Rows of one change, as text."""

    operation: str
    change_ns: float
    around: Sequence[Around]
    graphs: Mapping[str, str]

    def rows(self, part: Attributed) -> Iterator[AttributionRow]:
        """Return a part, and below it the functions that changed most and the sum of the others."""
        label = PARTS.get(part.name, part.name)
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
        operation = quote(MARKER_PREFIX + self.operation, safe="")
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
            share=_percent(row.change_ns / self.change_ns) if self.change_ns else "–",
            link=link,
            of=of,
        )

    def _interval(self, part: Attributed) -> str:
        """Return from where to where the change of a part goes; nothing where too few stretches of time tell."""
        errors = [found.errors_ns.get(part.name) for found in self.around]
        known = [error for error in errors if error is not None]
        if len(known) < len(errors) or part.kind != "part":
            return ""
        reach = student_quantile(_CONFIDENCE, 2 * (STRETCHES - 1)) * math.hypot(*known)
        return f"{_signed(part.change_ns - reach)} to {_signed(part.change_ns + reach)}"


def _percent(share: float) -> str:
    return format_percent(round(share, _DIGITS)).replace("-", "−")


def _time(value_ns: float) -> str:
    return format_ns(round(value_ns, _DIGITS)).replace("-", "−")


def _signed(value_ns: float) -> str:
    value_ns = round(value_ns, _DIGITS)
    sign = "−" if value_ns < 0 else "+" if value_ns > 0 else "±"
    return sign + format_ns(abs(value_ns))
