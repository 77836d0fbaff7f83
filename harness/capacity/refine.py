"""Choose the next rate from the counts of the probes: around the rate where the fit crosses the limit.

Geometric up (or down) until one probe lies below the limit and a higher one above it. Then `REFINEMENTS` probes: halves
of the gap while no probe comes near the limit, else by turns below and above the estimate, within its interval. Their
number is fixed: a search that ended as soon as its interval is narrow would end when the interval is narrow by luck.
"""

from collections import Counter
from collections.abc import Sequence

from harness.capacity.estimate import estimate
from harness.capacity.search import TRIES, Bounds, Step, confirming, rounded
from harness.capacity.seen import Seen

REFINEMENTS = 7
_LEAST_REFINEMENTS = 5
# A gap at least this wide is halved; a share within this factor of its limit tells where the limit is.
_WIDE, _NEAR = 1.35, 8.0
_REACH = 1.15


def refine(seen: Sequence[Seen], bounds: Bounds) -> Step | None:
    """Return the next probe after at least one with counts; None if another would add nothing."""
    tries = Counter(one.rate_per_s for one in seen)
    valid = [one for one in seen if one.is_valid]
    for rate, number in tries.items():
        if number < TRIES and not any(one.rate_per_s == rate for one in valid):
            return Step(rate)
    below = [one.rate_per_s for one in valid if not one.is_above]
    above = [one.rate_per_s for one in valid if one.is_above]
    walls = [rate for rate in tries if not any(one.rate_per_s == rate for one in valid)]
    top = min([*above, *walls], default=None)
    if not below:
        return _down(min(tries), tries, bounds) if above or min(tries) > bounds.lowest_per_s else None
    if top is None:
        return _up(max(below), tries, bounds)
    if top in walls:
        return _up_to_the_wall(below, top, tries, bounds)
    return _around(valid, max(below), min(above), bounds)


def _down(low: float, tries: Counter[float], bounds: Bounds) -> Step | None:
    if low > bounds.lowest_per_s:
        return Step(rounded(max(low / bounds.growth, bounds.lowest_per_s)))
    return _again(low, tries)


def _up(high: float, tries: Counter[float], bounds: Bounds) -> Step | None:
    if high < bounds.most_per_s:
        return Step(rounded(min(high * bounds.growth, bounds.most_per_s)))
    return _again(high, tries)


def _again(rate_per_s: float, tries: Counter[float]) -> Step | None:
    return Step(rate_per_s, confirms=True) if tries[rate_per_s] < 2 else None


def _up_to_the_wall(
    below: Sequence[float], wall: float, tries: Counter[float], bounds: Bounds
) -> Step | None:
    high = max((rate for rate in below if rate < wall), default=None)
    if high is None:
        return None
    middle = rounded((high * wall) ** 0.5)
    if wall / high > 1 + bounds.tolerance and high < middle < wall:
        return Step(middle)
    return _again(high, tries)


def _around(valid: Sequence[Seen], low: float, high: float, bounds: Bounds) -> Step | None:
    """Return the next probe around the capacity: `low` is the highest rate below it, `high` the lowest above."""
    turn = len(valid) - _bracketed(valid)
    found = estimate(valid)
    if turn >= REFINEMENTS or found is None:
        return None if found else confirming(valid, low, high, bounds)
    is_near = any(1 / _NEAR < one.excess < _NEAR for one in valid)
    gap = high / low
    if gap > _WIDE or (not is_near and gap > 1 + bounds.tolerance):
        return Step(rounded((low * high) ** 0.5))
    if turn >= _LEAST_REFINEMENTS and found.ratio <= 1 + bounds.tolerance:
        return None
    ends = (
        max(found.low_per_s or 0.0, found.per_s / _REACH),
        min(found.high_per_s or float("inf"), found.per_s * _REACH),
    )
    rate = min(max((found.per_s * ends[turn % 2]) ** 0.5, bounds.lowest_per_s), bounds.most_per_s)
    return Step(rounded(rate), confirms=any(one.rate_per_s == rounded(rate) for one in valid))


def _bracketed(valid: Sequence[Seen]) -> int:
    """Return the number of probes until there was one on each side."""
    sides = set()
    for number, one in enumerate(valid, 1):
        sides.add(one.is_above)
        if len(sides) == 2:
            return number
    return len(valid)
