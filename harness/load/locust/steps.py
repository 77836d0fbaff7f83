"""Describe the load that Locust put on: its users, its ramp-up, and the steps of its shape as stages. This module does not import Locust."""

import dataclasses
from collections.abc import Sequence

from harness.model import Stage

# More steps than this are a curve: its users over time tell more than a table of stages.
_MOST_STEPS = 60
LEAST_S = 0.001
"""Shortest stage, in s."""


@dataclasses.dataclass(frozen=True, slots=True)
class Carried:
    """The load that Locust put on: everything that a plan says of it. Times are in s, users are the most at a time."""

    duration_s: float
    users: int
    workers: int
    ramp_s: float = 0.0
    stages: tuple[Stage, ...] = (Stage("steady", 1.0),)


def stages(steps: Sequence[tuple[float, str]], duration_s: float) -> tuple[Stage, ...]:
    """Return the steps of a test as the stages of its measured time; each begins with the starting or stopping of its users."""
    before = [label for at_s, label in steps if at_s <= 0]
    first = before[-1] if before else (steps[0][1] if steps else "steady")
    inside = [(at_s, label) for at_s, label in steps if 0 < at_s < duration_s]
    if len(inside) > _MOST_STEPS:
        return (Stage("the whole shape", 1.0),)
    starts = [(0.0, first), *inside]
    ends = [*(at_s for at_s, _ in inside), duration_s]
    placed = [
        Stage(label, end_s - at_s)
        for (at_s, label), end_s in zip(starts, ends, strict=True)
        if end_s - at_s > LEAST_S
    ]
    return tuple(placed) or (Stage(first, 1.0),)
