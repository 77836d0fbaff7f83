"""Apply Wilcoxon's signed-rank test to paired differences: exact where the number of pairs is fixed beforehand.

Two sides that are exchangeable within a pair have symmetric differences under no change, so each rank has either sign with a
chance of one half. The distribution is counted, not approximated, with the ranks that the data have: equal sizes share
their mean rank. A difference of zero supports neither side, and has the lowest rank on the other side of each test, which
makes p too large and never too small.

Source: Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3rd edition, 3.1 to 3.3.
"""

import statistics
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.stats.sample import Comparison
from harness.stats.sign import sign_test

CONFIDENCE = 0.95


def compare_by_ranks(differences: Sequence[float], confidence: float = CONFIDENCE) -> Comparison:
    """Return the pseudomedian of paired `differences` (Hodges and Lehmann), its interval, and the test of zero.

    Raises `ValueError` for no differences.
    """
    if not differences:
        raise ValueError("no differences")
    means = sorted(
        (first + second) / 2 for place, first in enumerate(differences) for second in differences[place:]
    )
    count = len(differences)
    few = f"{count} pairs are too few for an interval at {confidence:.0%}"
    out = _outside(count, (1 - confidence) / 2)
    return Comparison(
        change=statistics.median(means),
        low=means[out] if out is not None else means[0],
        high=means[-1 - out] if out is not None else means[-1],
        coverage=confidence if out is not None else 1 - 2 * 0.5**count,
        count=count,
        p_greater=_p(differences),
        p_less=_p([-difference for difference in differences]),
        warnings=(*([few] if out is None else []), *sign_test(differences).warnings),
    )


def _p(differences: Sequence[float]) -> float:
    """Return the chance of a sum of positive ranks as large as this one, under no change."""
    doubled = _doubled_ranks(differences)
    reached = sum(rank for rank, difference in zip(doubled, differences, strict=True) if difference > 0)
    return _tail(tuple(sorted(doubled)), reached)


def _doubled_ranks(differences: Sequence[float]) -> list[int]:
    """Return twice the rank of each difference by its size: an integer, also for the mean rank of equal sizes."""
    sizes = sorted(abs(difference) for difference in differences)
    first: dict[float, int] = {}
    times: dict[float, int] = {}
    for place, size in enumerate(sizes):
        first.setdefault(size, place + 1)
        times[size] = times.get(size, 0) + 1
    return [2 * first[size] + times[size] - 1 for size in map(abs, differences)]


def _tail(doubled: tuple[int, ...], reached: int) -> float:
    """Return the share of all choices of signs whose doubled sum of positive ranks is at least `reached`."""
    return float(_tails(doubled)[reached])


@lru_cache(maxsize=256)
def _tails(doubled: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the share of all choices of signs that reach each doubled sum, from zero to the largest."""
    chances = np.zeros(sum(doubled) + 1)
    chances[0] = 1.0
    for rank in doubled:
        moved = np.zeros_like(chances)
        moved[rank:] = chances[: len(chances) - rank]
        chances = (chances + moved) / 2
    return chances[::-1].cumsum()[::-1]


@cache
def _outside(count: int, alpha: float) -> int | None:
    """Return the number of means to leave out at each end; None where even all of them do not reach the confidence."""
    tails = _tails(tuple(range(2, 2 * count + 1, 2)))[::2]
    if tails[-1] > alpha:
        return None
    return int(np.count_nonzero(tails <= alpha)) - 1
