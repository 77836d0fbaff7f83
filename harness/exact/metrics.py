"""Select the exact metrics among a target's counters, and name them: one rule for every target."""

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
"""Counters of which less is better. A cache's hits are not among them: more hits are no regression."""

BACKGROUND = "background"
"""Operation under which a target counts work outside of requests; its amount depends on time."""

_BYTES = frozenset({"bytes", "bytes_in", "bytes_out", "peak_bytes"})

FAILURES = "failures"
"""Requests that raised, timed out or were judged failed: an early failure also does less work."""

ALLOCATIONS = "allocations"
PEAK_BYTES = "peak_bytes"
INSTRUCTIONS = "instructions"
"""Machine instructions of a call of a micro-benchmark. It counts work, not time: waiting, caches and system calls are not in it."""


def metric_of(counter: str) -> str | None:
    """Return the metric of a counter: `PLACE.COST` becomes `COST.PLACE`; None if its last word is not a cost.

    `dynamodb.calls` becomes `calls.dynamodb`. A counter for which more is not worse, and one without a place, is no
    metric: name a counter of your own target like `postgres.queries` to have it judged.
    """
    place, _, cost = counter.rpartition(".")
    return f"{cost}.{place}" if place and cost in COSTS and place != BACKGROUND else None


def unit_of(metric: str) -> str:
    """Return the printed unit of a metric: `bytes`, `calls`, `round trips`."""
    cost = metric.partition(".")[0]
    return "bytes" if cost in _BYTES else cost.replace("_", " ")
