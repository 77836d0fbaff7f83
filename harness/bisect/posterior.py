"""The probability that each commit made the change, from noisy measurements of some commits.

States are numbered 0 (GOOD) to n (BAD); hypothesis k says that state k made the change. A measurement of state i gives
changes of BAD over it, in blocks: around the whole change if i < k, around zero if not. Their likelihood is Student's t with two
degrees of freedom, so that a disturbed block convinces nobody, and no block counts for more than `_MOST_LOG_ODDS`.

Source: Horstein, Sequential transmission using noiseless feedback, 1963 (bisection of the posterior); the likelihood is ours.
"""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

CERTAIN = 0.99
"""Probability at which the search ends."""
_MOST_LOG_ODDS = math.log(20)
_EXACT_LOG_ODDS = 25.0
_FREEDOM = 2.0
_LEAST_PROBABILITY = 1e-12


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    """The whole change (the logarithm of BAD over GOOD), and the scale of a block's noise; None for exact counts."""

    effect: float
    scale: float | None

    def log_odds(self, change: float) -> float:
        """Return the logarithm of the odds of one block that the measured state lacks the change of BAD."""
        if self.scale is None:
            return math.copysign(_EXACT_LOG_ODDS, abs(change) - abs(change - self.effect))
        odds = _log_student(change - self.effect, self.scale) - _log_student(change, self.scale)
        return min(max(odds, -_MOST_LOG_ODDS), _MOST_LOG_ODDS)


def _log_student(distance: float, scale: float) -> float:
    return -(_FREEDOM + 1) / 2 * math.log1p((distance / scale) ** 2 / _FREEDOM)


def posterior(count: int, measured: Mapping[int, Sequence[float]], model: Model) -> list[float]:
    """Return the probability of each hypothesis 1 to `count`; all are equally likely beforehand."""
    lacking = {state: sum(map(model.log_odds, changes)) for state, changes in measured.items()}
    logs = [sum(odds for state, odds in lacking.items() if state < k) for k in range(1, count + 1)]
    highest = max(logs)
    weights = [math.exp(one - highest) for one in logs]
    total = sum(weights)
    return [weight / total for weight in weights]


def next_probe(probabilities: Sequence[float], skipped: Collection[int]) -> int | None:
    """Return the state whose measurement halves the probabilities best; None if none tells anything."""
    best, least = None, 0.5 - _LEAST_PROBABILITY
    upto = 0.0
    for state, probability in enumerate(probabilities[:-1], 1):
        upto += probability
        if state not in skipped and abs(upto - 0.5) < least:
            best, least = state, abs(upto - 0.5)
    return best


@dataclasses.dataclass(frozen=True, slots=True)
class Suspects:
    """The states `first` to `last`, one of which made the change, with the probability of that."""

    first: int
    last: int
    probability: float


def suspects(probabilities: Sequence[float], skipped: Collection[int]) -> Suspects:
    """Return the most likely states that measurements can tell from all others: one, unless its neighbours were skipped."""
    found, first, total = [], 1, 0.0
    for state, probability in enumerate(probabilities, 1):
        total += probability
        if state not in skipped or state == len(probabilities):
            found.append(Suspects(first, state, total))
            first, total = state + 1, 0.0
    return max(found, key=lambda one: one.probability)


def shortest_range(
    probabilities: Sequence[float], skipped: Collection[int], least: float = CERTAIN
) -> Suspects:
    """Return the fewest neighbouring states that together have at least `least`."""
    count = len(probabilities)
    sums = [0.0]
    for probability in probabilities:
        sums.append(sums[-1] + probability)
    ends = [state for state in range(1, count + 1) if state not in skipped or state == count]
    starts = [1, *(end + 1 for end in ends[:-1])]
    ranges = (
        Suspects(first, last, sums[last] - sums[first - 1])
        for first in starts
        for last in ends
        if last >= first and sums[last] - sums[first - 1] >= least
    )
    whole = Suspects(1, count, 1.0)
    return min(ranges, key=lambda one: (one.last - one.first, -one.probability), default=whole)
