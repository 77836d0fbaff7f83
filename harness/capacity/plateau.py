"""Find the number of closed users that saturates a target: users are doubled until throughput stops growing."""

from collections.abc import Callable, Mapping

GAIN = 0.05
"""Smallest relative gain from doubling the users."""
MOST_USERS = 512
_STALLS = 2


def search(measure: Callable[[int], float], most_users: int = MOST_USERS) -> dict[int, float]:
    """Return calls per second by number of users: 1, 2, 4 and so on.

    It ends when two doublings in a row gave less than `GAIN` over the best before them (one may have been bad luck), or
    at `most_users`.
    """
    found: dict[int, float] = {}
    best, stalls, users = 0.0, 0, 1
    while users <= most_users and stalls < _STALLS:
        found[users] = measure(users)
        stalls = stalls + 1 if found[users] < best * (1 + GAIN) else 0
        best = max(best, found[users])
        users *= 2
    return found


def plateau(found: Mapping[int, float]) -> int:
    """Return the fewest users within `GAIN` of the best rate in `found`."""
    best = max(found.values())
    return min(users for users, rate in found.items() if rate * (1 + GAIN) >= best)


def is_reached(found: Mapping[int, float]) -> bool:
    """Return True if twice the users of the plateau were tried, and gained nothing."""
    return max(found) >= 2 * plateau(found)
