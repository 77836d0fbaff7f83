"""Find the places where a series of independent values changes its level.

Only levels that were measured against the reference directly are independent. Chained levels are a random walk, in
which any method finds change points where there are none.

Values are clipped at 2.5 deviations around a running median of five, so that a single outlier is no level; then the
segmentation with the least squared error plus 5 ln n for each change is found by dynamic programming with pruning
(Killick, Fearnhead, Eckley: Optimal detection of changepoints with a linear computational cost, 2012).
"""

import itertools
import math
import statistics
from collections.abc import Sequence

LEAST_VALUES = 10
"""Fewest values in which a change is looked for."""
_CLIP = 2.5
_WINDOW = 2
_PENALTY = 5.0
_MAD_TO_SIGMA = 1.4826


def change_points(values: Sequence[float], least_deviation: float = 0.0) -> list[int]:
    """Return the place of the first value of every new level; none for fewer than ten values.

    `least_deviation` is the least standard deviation of a value, as its measurement tells.
    """
    count = len(values)
    if count < LEAST_VALUES:
        return []
    deviation = max(_deviation(values), least_deviation)
    if not deviation:
        # Without any noise every difference is a change.
        return [place for place in range(1, count) if values[place] != values[place - 1]]
    sums, squares = [0.0], [0.0]
    for value in _clipped(values, deviation):
        scaled = value / deviation
        sums.append(sums[-1] + scaled)
        squares.append(squares[-1] + scaled * scaled)

    def cost(first: int, end: int) -> float:
        return squares[end] - squares[first] - (sums[end] - sums[first]) ** 2 / (end - first)

    penalty = _PENALTY * math.log(count)
    best, last, starts = [-penalty], [0], [0]
    for end in range(1, count + 1):
        totals = {first: best[first] + cost(first, end) + penalty for first in starts}
        chosen = min(totals, key=lambda first: totals[first])
        best.append(totals[chosen])
        last.append(chosen)
        starts = [first for first in starts if totals[first] - penalty <= totals[chosen]] + [end]
    found, end = [], count
    while end:
        end = last[end]
        found.append(end)
    return sorted(found)[1:]


def _deviation(values: Sequence[float]) -> float:
    """Return the deviation of a value from its level, from the differences of neighbours: a few changes hardly move it."""
    steps = [abs(after - before) for before, after in itertools.pairwise(values)]
    return _MAD_TO_SIGMA * statistics.median(steps) / math.sqrt(2)


def _clipped(values: Sequence[float], deviation: float) -> list[float]:
    found = []
    for place, value in enumerate(values):
        near = statistics.median(values[max(0, place - _WINDOW) : place + _WINDOW + 1])
        found.append(min(max(value, near - _CLIP * deviation), near + _CLIP * deviation))
    return found
