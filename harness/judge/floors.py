"""Return the floor of an exact count: the size below which a change is ignored.

The length of a path, a growing cache or a finished thread moves some bytes and allocations. Calls, round trips,
items and the bytes of back ends are data of the requests: they have no floor.
"""

from harness.policy.policy import EXACT_MARGINS_PERCENT

LEAST_BYTES = 1_024.0
_OF_BYTES = "peak_bytes"


def has_margin(metric: str) -> bool:
    """Return True for a count to which the policy's margins apply."""
    return metric in EXACT_MARGINS_PERCENT


def floor_of(metric: str, margin: float, base: float, candidate: float) -> float:
    """Return the largest change to ignore, in the unit of the metric; `margin` is a share, such as 0.01.

    It is a share of the smaller side, so that swapping the sides mirrors the verdict.
    """
    if not has_margin(metric):
        return 0.0
    share = margin * min(base, candidate)
    return max(share, LEAST_BYTES) if metric == _OF_BYTES else share
