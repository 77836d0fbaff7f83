"""Validity levels of a run, and the limits between them, which a project can set.

A run stores its limits in its `run.json`, and is judged by them wherever it is read.
"""

import dataclasses
import enum
import math


class Level(enum.StrEnum):
    """Validity levels, from good to bad."""

    VALID = "valid"
    DEGRADED = "degraded"
    INVALID = "invalid"


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """A pair of limits: a value above `degraded` or `invalid` has that level. Raises `ValueError` for a wrong order."""

    degraded: float
    invalid: float

    def __post_init__(self) -> None:
        if not 0 <= self.degraded <= self.invalid < math.inf:
            raise ValueError(
                "the limit for degraded must not exceed the limit for invalid, and neither may be negative"
            )

    def level(self, value: float) -> Level:
        """Return the level of `value`."""
        if value > self.invalid:
            return Level.INVALID
        return Level.DEGRADED if value > self.degraded else Level.VALID

    def broken(self, value: float) -> float:
        """Return the highest limit that `value` exceeds; the first one where it exceeds none."""
        return self.invalid if value > self.invalid else self.degraded


@dataclasses.dataclass(frozen=True, slots=True)
class Thresholds:
    """All limits; shares of one, ns and s."""

    lag_share: Threshold = Threshold(0.10, 0.50)
    lag_ns: Threshold = Threshold(0.5e6, 2e6)
    descheduled_share: Threshold = Threshold(0.02, 0.15)
    late_share: Threshold = Threshold(0.001, 0.01)
    backend_share: float = 0.85
    warmup_share: float = 0.10
    clock_step_s: float = 0.010


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """One finding and its level."""

    level: Level
    sentence: str
