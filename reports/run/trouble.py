"""Word the troubles of a run that a headline names before its times: interruption, failed calls, lost calls."""

from collections.abc import Iterator, Sequence

from harness.reading.served import error_share, failed_calls, kept_up, lost_count, planned_rate
from harness.units import format_count, format_percent, format_rate, format_s
from reports.run.sides import Side

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
    share, outcomes = error_share(side.run), side.run.total.outcomes
    if not share:
        return ""
    timed_out = f", {format_count(outcomes['timed_out'])} timed out" if outcomes["timed_out"] else ""
    count = failed_calls(side.run)
    return (
        f"{format_percent(share)} errors ({format_count(count)} of {format_count(side.returned)}{timed_out})"
    )


def not_served(side: Side) -> str:
    """Return `2 % not served (6 of 306)`, of the plan; empty where every call had a response."""
    count, planned = lost_count(side.run), side.run.planned
    if not count:
        return ""
    return (
        f"{format_percent(count / planned)} not completed ({format_count(count)} of {format_count(planned)})"
    )


def too_slow(side: Side) -> str:
    """Return `completed only 150/s of the planned 200/s`; empty where it kept up."""
    if kept_up(side.run):
        return ""
    return f"completed only {format_rate(side.run.throughput_per_s)} of the planned {format_rate(planned_rate(side.run))}"


def first(side: Side) -> tuple[str, ...]:
    """Return the troubles of the run, the gravest first; empty where all calls of the plan completed."""
    return tuple(filter(None, (interruption(side), errors(side), not_served(side))))


def of_all(sides: Sequence[Side]) -> Iterator[str]:
    """Yield for each run with trouble its label with all its troubles."""
    for side in sides:
        if words := [*first(side), *filter(None, (too_slow(side),))]:
            yield f"{side.label}: {', '.join(words)}"
