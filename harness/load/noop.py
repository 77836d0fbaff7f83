"""Time a loop of calls that do nothing, and the difference that recording makes to it."""

import statistics
from collections.abc import Callable

from harness.clock import SystemClock

CALLS = 2_000
_ROUNDS = 7


def nothing(_event: object) -> None:
    """Do nothing."""


def bare_ns() -> float:
    """Return the ns of one call of `nothing` in a loop of `CALLS`."""
    start_ns = SystemClock.now_ns()
    for _ in range(CALLS):
        nothing(None)
    return (SystemClock.now_ns() - start_ns) / CALLS


def difference_ns(expensive: Callable[[], float], cheap: Callable[[], float]) -> float:
    """Return by how much one side is more expensive: the median over alternating rounds, at least 0."""
    differences = [expensive() - cheap() for _ in range(_ROUNDS)]
    return max(statistics.median(differences), 0.0)
