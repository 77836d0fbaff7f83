"""Choose the next rate by what probes were certified to show alone: for an SLO without a share, such as `throughput>50/s`.

Geometric up (or down) until one rate holds and a higher one breaks, then bisection on the logarithm of the rate until
both are within `tolerance`, then each end is measured once more. An end that contradicts itself is measured a third
time, and the result that it gave twice counts. A result that is not settled narrows nothing. An invalid probe is no result: it
is repeated, and a rate that was invalid three times ends the search below it.
"""

import dataclasses
import itertools
from collections.abc import Sequence

from harness.capacity.seen import Seen, Sight

TRIES = 3
"""Largest number of probes at one rate."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """The start and the limits of the search; `tolerance` is the relative width at which it ends."""

    start_per_s: float
    lowest_per_s: float
    most_per_s: float
    tolerance: float = 0.05
    growth: float = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """The next probe; `confirms` if that rate was measured before."""

    rate_per_s: float
    confirms: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """The highest rate that held and the lowest above it that broke; None without one.

    An end is confirmed if it was seen twice, and more often than the contrary. `wall_per_s` is the lowest rate that
    cannot be judged because its probes were invalid, if none below it broke.
    """

    held_per_s: float | None
    broke_per_s: float | None
    held_confirmed: bool = False
    broke_confirmed: bool = False
    wall_per_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Rate:
    """The results at one rate."""

    per_s: float
    held: int
    broke: int
    settled_nothing: int
    invalid: int

    @property
    def tries(self) -> int:
        return self.held + self.broke + self.settled_nothing + self.invalid

    @property
    def holds(self) -> bool:
        return self.held > self.broke

    @property
    def breaks(self) -> bool:
        return self.broke > self.held

    @property
    def contradicts_itself(self) -> bool:
        return self.held == self.broke > 0

    @property
    def is_wall(self) -> bool:
        return self.invalid == self.tries >= TRIES

    @property
    def is_confirmed(self) -> bool:
        return abs(self.held - self.broke) > 0 and max(self.held, self.broke) >= 2


def _rates(seen: Sequence[Seen]) -> list[_Rate]:
    by_rate: dict[float, list[Sight]] = {}
    for one in seen:
        by_rate.setdefault(one.rate_per_s, []).append(one.sight)
    return [
        _Rate(rate, *(sights.count(sight) for sight in (Sight.HELD, Sight.BROKE, Sight.OPEN, Sight.INVALID)))
        for rate, sights in sorted(by_rate.items())
    ]


def interval(seen: Sequence[Seen]) -> Interval:
    """Return the combined result of all probes. Total: without probes nothing is known."""
    rates = _rates(seen)
    broke = next((rate for rate in rates if rate.breaks), None)
    wall = next((rate for rate in rates if rate.is_wall), None)
    if wall and broke and broke.per_s < wall.per_s:
        wall = None
    top = min((rate.per_s for rate in (broke, wall) if rate), default=float("inf"))
    held = max(
        (rate for rate in rates if rate.holds and rate.per_s < top), key=lambda rate: rate.per_s, default=None
    )
    return Interval(
        held.per_s if held else None,
        broke.per_s if broke else None,
        held_confirmed=bool(held and held.is_confirmed),
        broke_confirmed=bool(broke and broke.is_confirmed),
        wall_per_s=wall.per_s if wall else None,
    )


def by_sights(seen: Sequence[Seen], bounds: Bounds) -> Step | None:
    """Return the next probe; None if another would add nothing."""
    if not seen:
        return Step(bounds.start_per_s)
    rates = _rates(seen)
    for rate in rates:
        if rate.tries < TRIES and (rate.contradicts_itself or rate.invalid == rate.tries):
            return Step(rate.per_s, confirms=rate.contradicts_itself)
    found = interval(seen)
    if found.held_per_s is None:
        return _first_that_holds(rates, found, bounds)
    top = min((end for end in (found.broke_per_s, found.wall_per_s) if end), default=None)
    points = [
        rate.per_s for rate in rates if rate.per_s >= found.held_per_s and rate.per_s <= (top or rate.per_s)
    ]
    if top is None and points[-1] < bounds.most_per_s:
        return Step(rounded(min(points[-1] * bounds.growth, bounds.most_per_s)))
    if step := _bisect(points, bounds):
        return step
    return _confirm(rates, found)


def _first_that_holds(rates: Sequence[_Rate], found: Interval, bounds: Bounds) -> Step | None:
    """Return the next probe while no rate has held: down from broken or invalid rates, up from open ones."""
    low, high = rates[0], rates[-1]
    is_open_end = found.broke_per_s is None and found.wall_per_s is None
    if is_open_end:
        is_blocked = high.per_s >= bounds.most_per_s
        return None if is_blocked else Step(rounded(min(high.per_s * bounds.growth, bounds.most_per_s)))
    if low.per_s > bounds.lowest_per_s:
        return Step(rounded(max(low.per_s / bounds.growth, bounds.lowest_per_s)))
    return None if low.is_confirmed or low.tries >= TRIES else Step(low.per_s, confirms=True)


def _bisect(points: Sequence[float], bounds: Bounds) -> Step | None:
    """Halve the wider of the gaps at the two ends, if it is too wide; the rates between them are open, and stay so."""
    pairs = list(itertools.pairwise(points))
    gaps = [(high / low, low, high) for low, high in {*pairs[:1], *pairs[-1:]}]
    ratio, low, high = max(gaps, default=(1.0, 0.0, 0.0))
    middle = rounded((low * high) ** 0.5)
    return Step(middle) if ratio > 1 + bounds.tolerance and low < middle < high else None


def _confirm(rates: Sequence[_Rate], found: Interval) -> Step | None:
    """Return the probe that repeats an end: a single lucky result must not be the answer."""
    for end, is_confirmed in (
        (found.broke_per_s, found.broke_confirmed),
        (found.held_per_s, found.held_confirmed),
    ):
        tries = next((rate.tries for rate in rates if rate.per_s == end), TRIES)
        if end is not None and not is_confirmed and tries < TRIES:
            return Step(end, confirms=True)
    return None


def confirming(seen: Sequence[Seen], low: float, high: float, bounds: Bounds) -> Step | None:
    """Return the probe that narrows or confirms a gap of which no counts tell more."""
    middle = rounded((low * high) ** 0.5)
    if high / low > 1 + bounds.tolerance and low < middle < high:
        return Step(middle)
    return _confirm(_rates(seen), interval(seen))


def rounded(rate_per_s: float) -> float:
    """Return a rate with few digits, easy to retype."""
    return float(f"{rate_per_s:.4g}")
