"""Bound a share from counts (Clopper and Pearson), and find the number of trials for a bound."""

from collections.abc import Callable

from harness.stats.binomial import at_least, at_most

_MOST_TRIALS = 1_000_000_000


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a share; (0, 1) without a trial."""
    alpha = (1 - confidence) / 2
    return lower_bound(successes, trials, 1 - alpha), upper_bound(successes, trials, 1 - alpha)


def lower_bound(successes: float, trials: float, confidence: float = 0.95) -> float:
    """Return the one-sided lower bound of the true share with `confidence` (Clopper and Pearson 1934)."""
    if successes <= 0:
        return 0.0
    return _solve(lambda share: at_least(successes, trials, share) >= 1 - confidence)


def upper_bound(successes: float, trials: float, confidence: float = 0.95) -> float:
    """Return the one-sided upper bound of the true share with `confidence` (Clopper and Pearson 1934)."""
    if successes >= trials:
        return 1.0
    return _solve(lambda share: at_most(successes, trials, share) <= 1 - confidence)


def fewest_trials(enough: Callable[[int], bool]) -> int | None:
    """Return the fewest trials that are `enough`, where more are too; None if a thousand million are too few."""
    most = 1
    while not enough(most):
        most *= 2
        if most > _MOST_TRIALS:
            return None
    return _first(enough, most // 2, most)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the number above `low` at which `holds` turns true; it must hold at `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _solve(above: Callable[[float], bool]) -> float:
    """Return the point between 0 and 1 at which `above` turns true, by bisection to the precision of a float."""
    low, high = 0.0, 1.0
    for _ in range(64):
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) else (middle, high)
    return (low + high) / 2
