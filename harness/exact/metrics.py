"""Which of a target's counters are exact metrics, and what those are called: one rule for every target."""

COSTS = (
    "calls",
    "queries",
    "round_trips",
    "items",
    "rows",
    "reads",
    "writes",
    "bytes",
    "bytes_in",
    "bytes_out",
)
"""What is better when there is less of it. A cache's hits are not: more of them is no regression."""

BACKGROUND = "background"
"""The operation under which a target counts what no request asked for; the clock decides how often."""

_BYTES = frozenset({"bytes", "bytes_in", "bytes_out", "peak_bytes"})

FAILURES = "failures"
"""Requests that raised, timed out or were judged failed: whoever fails sooner also does less."""

ALLOCATIONS = "allocations"
PEAK_BYTES = "peak_bytes"


def metric_of(counter: str) -> str | None:
    """Return the metric of a counter: `PLACE.COST` becomes `COST.PLACE`; None if its last word is no cost.

    `dynamodb.calls` becomes `calls.dynamodb`. A counter of which more is not worse, and one without a place, is no
    metric: name a counter of your own target like `postgres.queries` to have it judged.
    """
    place, _, cost = counter.rpartition(".")
    return f"{cost}.{place}" if place and cost in COSTS and place != BACKGROUND else None


def unit_of(metric: str) -> str:
    """Return what a metric counts, as it is printed: `bytes`, `calls`, `round trips`."""
    cost = metric.partition(".")[0]
    return "bytes" if cost in _BYTES else cost.replace("_", " ")
