"""Say what drove a run of somebody's locustfile, and what of it is left out of the headline."""

from harness.reading.generator import loop_share
from harness.reading.locustfile import COORDINATED_OMISSION, beside, client_of, is_of_file
from harness.units import format_count, format_duration, format_ns, format_percent
from reports.run.sides import Side

FACTS = ("model", "pace", "client", "left out")
"""Names of the facts without which the numbers of such a run are misread."""


def locust_facts(side: Side) -> tuple[tuple[str, str], ...]:
    """Return the facts on a run that Locust drove; none for any other."""
    locust = side.run.document.locust
    if locust is None:
        return ()
    count = "was reset on the way" if locust.was_reset else f"{sum(locust.counted.values()):,} calls returned"
    said = [("left out", _left_out(side)), ("Locust's own count", count)]
    if is_of_file(side.run):
        said = [("model", COORDINATED_OMISSION), ("pace", _pace(side)), ("client", _client(side)), *said]
    return tuple((name, words) for name, words in said if words)


def _pace(side: Side) -> str:
    client = client_of(side.run)
    if client is None or client.paced is None:
        return ""
    paced = client.paced
    return (
        f"{format_count(paced.made)} tasks of users with a pace were started, and {format_count(paced.never_made)} that were due "
        "meanwhile were never made; response counts from the intended start, service is Locust's own time"
    )


def _client(side: Side) -> str:
    client, share, host = client_of(side.run), loop_share(side.run), side.run.document.host
    said = [
        f"{format_percent(host.cpu_share)} of a core used" if host.cpu_share is not None else "",
        f"its loop {format_ns(client.loop_lag.p99_ns)} late at p99"
        if client and client.loop_lag.beats
        else "",
        f"requests waited for the loop for {format_percent(share)} of their time"
        if share is not None
        else "",
    ]
    if side.run.document.locust and side.run.document.locust.is_in_process:
        said = [*said[:1], "the application was called in it, without a socket"]
    return f"the client itself: {', '.join(filter(None, said))}" if any(said) else ""


def _left_out(side: Side) -> str:
    """Return the calls that no headline contains."""
    parts = [
        f"{label} ({format_count(sum(part.outcomes.values()))})" for label, part in beside(side.run).items()
    ]
    ramp_s = side.run.document.plan.warmup_s
    ramp = f"; the ramp-up took {format_duration(round(ramp_s, 3))}" if ramp_s else ""
    return f"not in these numbers: calls of {', '.join(parts)}{ramp}" if parts else ""
