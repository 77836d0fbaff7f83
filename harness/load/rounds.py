"""Measure a cost as the difference of two sides that take turns."""

import statistics
from collections.abc import Callable

_ROUNDS = 7


def difference_ns(expensive: Callable[[], float], cheap: Callable[[], float]) -> float:
    """Return the median difference of the rounds, at least 0."""
    differences = [expensive() - cheap() for _ in range(_ROUNDS)]
    return max(statistics.median(differences), 0.0)
