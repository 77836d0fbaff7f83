"""The search itself: which state to measure next, when it is over, and what it found. It measures nothing."""

import dataclasses
import math
import statistics
from collections.abc import Sequence

from harness.bisect.posterior import CERTAIN, Model, Suspects, next_probe, posterior, shortest_range, suspects
from harness.stats.power import spread_of

BLOCKS = 2
"""Blocks of one probe: more of them at once would believe a disturbed session."""
LEAST_BESIDE = 4
"""Blocks on either side of the commit that was found, for the size of its own effect."""
MOST_PROBES = 60
_LEAST_SCALE = 0.0015
_SCALE_OF_SPREAD = 0.83
"""Scale of Student's distribution with two degrees of freedom, in its robust standard deviation."""
_MEDIAN_ERROR = math.sqrt(math.pi / 2)
_Z = 1.96


@dataclasses.dataclass(slots=True)
class Search:
    """The measurements so far. `changes` maps states to changes of BAD over them, as logarithms; that of state 0 is of the ends."""

    count: int
    is_exact: bool
    changes: dict[int, list[float]] = dataclasses.field(default_factory=dict)
    skipped: dict[int, str] = dataclasses.field(default_factory=dict)
    probes: int = 0

    @property
    def model(self) -> Model:
        """The whole change and the noise, from the blocks of the ends."""
        ends = self.changes[0]
        scale = None if self.is_exact else max(_SCALE_OF_SPREAD * (spread_of(ends) or 0.0), _LEAST_SCALE)
        return Model(statistics.median(ends), scale)

    def probabilities(self) -> list[float]:
        """Return the probability of each state from 1 on."""
        measured = {state: changes for state, changes in self.changes.items() if state}
        return posterior(self.count, measured, self.model)

    def next(self) -> int | None:
        """Return the state to measure next; None if the search is over."""
        found = self.probabilities()
        if self.probes >= MOST_PROBES:
            return None
        best = suspects(found, self.skipped)
        if best.probability < CERTAIN:
            return next_probe(found, self.skipped)
        if self.is_exact or best.first != best.last:
            return None
        return next((state for state in (best.first - 1, best.first) if self._is_thin(state)), None)

    def _is_thin(self, state: int) -> bool:
        return (
            0 < state < self.count
            and len(self.changes.get(state, ())) < LEAST_BESIDE
            and state not in self.skipped
        )

    def answer(self) -> Suspects:
        """Return the state that made the change, or the shortest range that is certain to hold it."""
        found = self.probabilities()
        best = suspects(found, self.skipped)
        return best if best.probability >= CERTAIN else shortest_range(found, self.skipped)

    def own_effect(self, found: Suspects) -> tuple[float, float, float] | None:
        """Return the change over these states alone with its interval (95 %); None where a side of them was not measured."""
        before, after = self.changes.get(found.first - 1), self.changes.get(found.last)
        if found.last == self.count:
            after = [0.0]
        if not before or not after:
            return None
        middle = statistics.median(before) - statistics.median(after)
        if self.is_exact:
            return middle, middle, middle
        error = math.hypot(self._error(before), self._error(after) if found.last != self.count else 0.0)
        return middle, middle - _Z * error, middle + _Z * error

    def _error(self, changes: Sequence[float]) -> float:
        """Return the standard error of a median; the spread is that of the ends, which have the most blocks."""
        return _MEDIAN_ERROR * max(spread_of(self.changes[0]) or 0.0, _LEAST_SCALE) / math.sqrt(len(changes))
