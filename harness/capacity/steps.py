"""Choose the next rate in the search for the highest one that keeps an SLO.

    while step := next_step(seen, bounds):
        seen.append(look_at(step))
    found = estimate(seen)

An invalid probe is no result: it is repeated, and a rate that was invalid three times ends the search below it.
"""

from collections.abc import Sequence

from harness.capacity.refine import refine
from harness.capacity.search import Bounds, Step, by_sights
from harness.capacity.seen import Seen


def next_step(seen: Sequence[Seen], bounds: Bounds) -> Step | None:
    """Return the next probe; None if another would add nothing."""
    return refine(seen, bounds) if any(one.counts for one in seen) else by_sights(seen, bounds)
