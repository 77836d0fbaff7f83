"""Compute the positions of a course's chart."""

import math
from collections.abc import Sequence

from harness.history.document import Course, Point
from reports.history.model import Link, Mark, Plot, Tick
from reports.shared.changes import change_text, interval_text
from reports.shared.visible import short

_ROOM = 0.08
_LEAST_SPAN = 0.01
_MOST_WIDTH = 3.0
"""Multiple of the span of the levels beyond which an interval is cut."""
_STEPS = (1.0, 2.0, 5.0, 10.0)
_TICKS = 4
_SHORT = 12
_MOST_MARKS = 80
"""States up to which each has a mark: of more, those that something happened at."""
_LONGEST_SUBJECT = 70


def plot_of(course: Course, allowed: float, web_address: str | None) -> Plot:
    """Return the chart of a course: levels in the order of the commits, at equal distances."""
    points = course.points
    low, high = _ends(points)
    if 0 < course.worse * allowed < 2 * max(high, _LEAST_SPAN):
        high = max(high, allowed * (1 + _ROOM))

    def y(value: float) -> float:
        return round(100 - 100 * min(max((value - low) / (high - low), 0.0), 1.0), 2)

    def x(place: int) -> float:
        return round(2 + 96 * place / max(len(points) - 1, 1), 2)

    upper = [f"{x(place)},{y(point.high)}" for place, point in enumerate(points)]
    lower = [f"{x(place)},{y(point.low)}" for place, point in enumerate(points)]
    limit = allowed if course.worse > 0 else 1 / (1 + allowed) - 1
    changed = {one.commit for one in course.change_points}
    return Plot(
        line=" ".join(f"{x(place)},{y(point.change)}" for place, point in enumerate(points)),
        band=" ".join((*upper, *reversed(lower))),
        zero=y(0.0),
        allowed=y(limit) if low <= limit <= high else None,
        marks=tuple(
            Mark(x(place), y(point.change), words_of(point), _kind(point))
            for place, point in enumerate(points)
            if len(points) <= _MOST_MARKS or _kind(point) or point.commit in changed or point is points[-1]
        ),
        ticks=tuple(Tick(y(value), change_text(value) if value else "0 %") for value in _ticks(low, high)),
        changes=tuple(x(place) for place, point in enumerate(points) if point.commit in changed),
        first=_end(points[0], web_address),
        last=_end(points[-1], web_address),
        label=f"{course.benchmark} {course.metric}: {change_text(points[-1].change)} in {len(points)} states",
    )


def words_of(point: Point) -> str:
    """Return a state in words, for the tip of its mark."""
    subject = f" {short(point.subject, _LONGEST_SUBJECT)}" if point.subject else ""
    step = f", last step {change_text(point.effect)}" if point.effect is not None else ""
    level = f"{change_text(point.change)} ({interval_text(point.low, point.high)})"
    return f"{point.commit[:_SHORT]}{subject}: {level}{step}{', measured against the start' if point.is_anchored else ''}"


def address_of(commit: str, web_address: str | None) -> str | None:
    """Return the web page of a commit; None without a web host."""
    return f"{web_address}{commit}" if web_address else None


def _kind(point: Point) -> str:
    if point.verdict in {"regressed", "improved"}:
        return point.verdict
    return "anchored" if point.is_anchored else ""


def _end(point: Point, web_address: str | None) -> Link:
    return Link(
        f"{point.commit[:_SHORT]}, {(point.committed or point.day)[:10]}",
        address_of(point.commit, web_address),
    )


def _ends(points: Sequence[Point]) -> tuple[float, float]:
    """Return the ends of the axis: all levels and zero, and their intervals as far as they do not crush the levels."""
    levels = [0.0, *(point.change for point in points)]
    span = max(max(levels) - min(levels), _LEAST_SPAN)
    reach = _MOST_WIDTH * span
    low = min(*levels, *(max(point.low, min(levels) - reach) for point in points))
    high = max(*levels, *(min(point.high, max(levels) + reach) for point in points))
    room = max(_ROOM * (high - low), _LEAST_SPAN / 4)
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Return up to some four round values within the axis, zero among them."""
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in _STEPS if power * factor >= raw * 0.999)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
