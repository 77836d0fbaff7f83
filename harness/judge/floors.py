"""Below which an exact count shows nothing of the code: what is allocated differs a little by the day.

The length of a path, a cache that grows or a thread that is gone moves some bytes and allocations. Calls, round trips,
items and the bytes of back ends are data of the requests: they have no floor.
"""

from harness.policy.policy import EXACT_MARGINS_PERCENT

LEAST_BYTES = 1_024.0
_OF_BYTES = "peak_bytes"


def has_margin(metric: str) -> bool:
    """Return True for a count that the policy's margins are about."""
    return metric in EXACT_MARGINS_PERCENT


def floor_of(metric: str, margin: float, base: float, candidate: float) -> float:
    """Return the largest change that is none, in the unit of the metric; `margin` is a share, such as 0.01.

    It is a share of the smaller side, so that the verdict is mirrored when the sides change places.
    """
    if not has_margin(metric):
        return 0.0
    share = margin * min(base, candidate)
    return max(share, LEAST_BYTES) if metric == _OF_BYTES else share
