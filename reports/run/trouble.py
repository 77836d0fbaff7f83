"""What a headline says of a run before its times: that it is not whole, that calls failed, that calls were not served."""

from collections.abc import Iterator, Sequence

from harness.units import format_count, format_percent, format_rate, format_s
from reports.run.comparison import error_share, planned_rate
from reports.run.sides import Side

# Below this share of the planned rate a run did not keep up.
KEPT_UP = 0.95
_LOST = ("dropped", "unfinished", "never_started")
_TENTH_S = 1


def interruption(side: Side) -> str:
    """Return `interrupted after 12 s of 60 s`; empty for a run that reached its end."""
    document = side.run.document
    if not document.interrupted:
        return ""
    if not side.run.measured_s:
        return "interrupted before the measured time began"
    measured = format_s(round(side.run.measured_s, _TENTH_S))
    return f"interrupted after {measured} of {format_s(document.plan.duration_s)}"


def errors(side: Side) -> str:
    """Return `7 % errors (21 of 300, 4 timed out)`, of the calls that returned; empty where none failed."""
    share, outcomes = error_share(side), side.run.total.outcomes
    if not share:
        return ""
    timed_out = f", {format_count(outcomes['timed_out'])} timed out" if outcomes["timed_out"] else ""
    count = outcomes["failed"] + outcomes["timed_out"]
    return (
        f"{format_percent(share)} errors ({format_count(count)} of {format_count(side.returned)}{timed_out})"
    )


def lost(side: Side) -> int:
    """Return the calls of the plan that got no answer; after an interruption only those that were dropped before it."""
    outcomes = side.run.total.outcomes
    return outcomes["dropped"] if side.run.document.interrupted else sum(outcomes[name] for name in _LOST)


def not_served(side: Side) -> str:
    """Return `2 % not served (6 of 306)`, of the plan; empty where every call got an answer."""
    count, planned = lost(side), side.run.planned
    if not count:
        return ""
    return f"{format_percent(count / planned)} not served ({format_count(count)} of {format_count(planned)})"


def kept_up(side: Side) -> bool:
    """Return whether calls were completed about as fast as they were planned."""
    planned = planned_rate(side)
    return planned is None or side.run.throughput_per_s >= KEPT_UP * planned


def too_slow(side: Side) -> str:
    """Return `completed only 150/s of the planned 200/s`; empty where it kept up."""
    if kept_up(side):
        return ""
    return f"completed only {format_rate(side.run.throughput_per_s)} of the planned {format_rate(planned_rate(side))}"


def first(side: Side) -> tuple[str, ...]:
    """Return what comes before any time of the run, the gravest first; empty where all calls of the plan completed."""
    return tuple(filter(None, (interruption(side), errors(side), not_served(side))))


def of_all(sides: Sequence[Side]) -> Iterator[str]:
    """Yield for each run that has trouble its label with all of it."""
    for side in sides:
        if words := [*first(side), *filter(None, (too_slow(side),))]:
            yield f"{side.label}: {', '.join(words)}"
