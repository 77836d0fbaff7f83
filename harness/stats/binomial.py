"""Compute exact tails of the binomial distribution."""

import math
from functools import cache

_TINY = 1e-300
_MOST_TERMS = 100_000


def at_least(successes: float, trials: float, chance: float = 0.5) -> float:
    """Return P(X >= `successes`) for X of Binomial(`trials`, `chance`): a sum of integers for a fair coin.

    Uses the incomplete beta function otherwise: P(X >= k) = I_p(k, n - k + 1). It joins the whole numbers smoothly, so
    effective counts of dependent trials, which are fractions, may be given.
    """
    if successes <= 0:
        return 1.0
    if successes > trials:
        return 0.0
    if chance == 0.5 and trials <= 1000 and isinstance(trials, int) and isinstance(successes, int):
        return _fair_at_least(successes, trials)
    return incomplete_beta(chance, successes, trials - successes + 1)


def at_most(successes: float, trials: float, chance: float = 0.5) -> float:
    """Return P(X <= `successes`) for X of Binomial(`trials`, `chance`), without the rounding error of 1 - P(X > k)."""
    return at_least(trials - successes, trials, 1 - chance)


@cache
def _fair_at_least(successes: int, trials: int) -> float:
    ways = sum(math.comb(trials, k) for k in range(successes, trials + 1))
    return ways / (1 << trials)


@cache
def critical(trials: int, alpha: float) -> int | None:
    """Return the fewest heads of `trials` fair coins with a tail of at most `alpha`; None if even all are too few."""
    all_ways, ways, term = 1 << max(trials, 0), 0, 1
    for heads in range(trials, -1, -1):
        ways += term
        if ways / all_ways > alpha:
            return heads + 1 if heads < trials else None
        term = term * heads // (trials - heads + 1)
    return 0 if trials >= 0 else None


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), for a and b above zero.

    Uses the continued fraction of Numerical Recipes (3rd edition, 6.4), summed with the modified method of Lentz.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """Return 1 + d1/(1 + d2/(1 + ...)), the denominator of the continued fraction."""
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, _MOST_TERMS):
        numerator = _coefficient(term, x, a, b)
        d = 1 / (1 + numerator * d or _TINY)
        c = 1 + numerator / c or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _coefficient(term: int, x: float, a: float, b: float) -> float:
    m = term // 2
    if term % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
