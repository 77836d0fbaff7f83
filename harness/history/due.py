"""Tell when a chain should be measured against its reference again, and what the measurements of a chain cannot say."""

import math

from harness.history.document import Course, History
from harness.history.entry import Evidence
from harness.units import format_percent

MOST_STEPS = 20
"""Steps after which the chain is anchored again (least squares with an anchor every 10 to 20 commits err by about 1 %)."""
_MARGIN = 0.025


def reason(history: History) -> str:
    """Return why an anchor is due, for the course that needs it most; empty if none does. Exact counts need none."""
    timed = [course for course in history.courses if course.kind is Evidence.PAIRED]
    for course in timed:
        if course.untied:
            return f"{course.benchmark} {course.metric} is not tied to the start of its course any more"
    for course in timed:
        if _half_width(course) > math.log1p(course.margin or _MARGIN):
            width = math.expm1(_half_width(course))
            return (
                f"the growth of {course.benchmark} {course.metric} is known to ±{format_percent(width)} only"
            )
    oldest = max(timed, key=lambda course: course.since_anchor, default=None)
    if oldest is not None and oldest.since_anchor >= MOST_STEPS:
        return f"{oldest.since_anchor} states were chained since the last one"
    return ""


def _half_width(course: Course) -> float:
    last = course.last
    return (math.log1p(last.high) - math.log1p(last.low)) / 2
