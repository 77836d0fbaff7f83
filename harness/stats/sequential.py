"""Compare pair by pair, and stop whenever the evidence decides: an e-process of signs.

Under no change a difference is above zero with a chance of one half at most, whatever came before. The likelihood ratio of a
chance p against one half, averaged over all p above one half, is then a supermartingale: it reaches 1/alpha with
probability alpha at most, at any number of pairs and under any rule for stopping (Ville's inequality). So `p` is 1/e here,
and intervals hold at every look. Seven pairs of one sign give e = 32, nine give 102.

Source: Ramdas, Grünwald, Vovk, Shafer: Game-theoretic statistics and safe anytime-valid inference, 2023.
"""

import bisect
import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import TypeVar

from harness.stats.sample import Comparison
from harness.stats.sign import sign_test

Name = TypeVar("Name", bound=Hashable)
END_ALPHA = 0.05
"""Error rate of each end of an interval: the true median is beyond one given end at no look, with 95 % probability."""


def compare_sequentially(differences: Sequence[float], end_alpha: float = END_ALPHA) -> Comparison:
    """Return the median of paired `differences` with p and interval that hold at every number of pairs.

    `coverage` is that of both ends together. Raises `ValueError` for no differences.
    """
    if not differences:
        raise ValueError("no differences")
    ordered, test = sorted(differences), sign_test(differences)
    rank = fewest_signs(test.count, 1 / end_alpha)
    bounded = rank is not None
    few = f"{test.count} pairs are too few for an interval that holds at every look (at least {fewest_pairs(1 / end_alpha)} are needed)"
    return Comparison(
        change=statistics.median(ordered),
        low=ordered[test.count - rank] if rank else -math.inf,
        high=ordered[rank - 1] if rank else math.inf,
        coverage=1 - 2 * end_alpha if bounded else 1.0,
        count=test.count,
        p_greater=p_of(test.above, test.count),
        p_less=p_of(test.below, test.count),
        p_either=min(1.0, 1 / e_either(test.above, test.below, test.count)),
        warnings=(*([] if bounded else [few]), *test.warnings),
    )


def p_of(signs: int, count: int) -> float:
    """Return the p that holds at every look, for `signs` of `count` pairs in the direction in question."""
    return min(1.0, 1 / e_value(signs, count))


@cache
def e_value(signs: int, count: int) -> float:
    """Return the evidence for a chance above one half: the mean likelihood ratio over all such chances.

    The integral of p^k (1-p)^(n-k) over p above one half is a tail of the binomial distribution of n + 1, so the
    value is a ratio of integers.
    """
    ways = sum(math.comb(count + 1, heads) for heads in range(signs + 1))
    return ways / ((count + 1) * math.comb(count, signs))


def e_either(above: int, below: int, count: int) -> float:
    """Return the evidence for a change in either direction, of `count` pairs with ties: the mean of both directions."""
    return (e_value(above, count) + e_value(below, count)) / 2


def together(e_values: Mapping[Name, float]) -> dict[Name, float]:
    """Return the evidence for each comparison with all others taken into account; rejecting those of at least 1/alpha gives
    any false alarm at most alpha in all.

    It is the least mean of any set of comparisons that holds this one, so the smallest others count. Several
    equally strong changes help one another; one among many without evidence needs that many times as much. Holds for
    any dependence between the comparisons (Vovk and Wang, E-values: calibration, combination and applications, 2021).
    """
    ascending = sorted(e_values.items(), key=lambda item: item[1])
    adjusted = {}
    for name, own in ascending:
        least, total, members = own, own, 1
        for other, e in ascending:
            if other != name:
                total, members = total + e, members + 1
                least = min(least, total / members)
        adjusted[name] = least
    return adjusted


@cache
def fewest_signs(count: int, least: float) -> int | None:
    """Return the fewest signs of `count` pairs with an `e_value` of at least `least`; None if even all are too few."""
    if e_value(count, count) < least:
        return None
    # The evidence grows with the signs.
    return bisect.bisect_left(range(count + 1), least, key=lambda signs: e_value(signs, count))


@cache
def fewest_pairs(least: float) -> int:
    """Return the fewest pairs with which an `e_value` of `least` can be reached: all of them in one direction."""
    count = 1
    while e_value(count, count) < least:
        count += 1
    return count
