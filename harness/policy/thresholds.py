"""How bad is bad: the levels of a run's validity, and the limits between them, which a project can set.

A run keeps the limits that it was made under in its `run.json`: it is judged by them wherever it is read.
"""

import dataclasses
import enum
import math


class Level(enum.StrEnum):
    """Ordered from good to bad."""

    VALID = "valid"
    DEGRADED = "degraded"
    INVALID = "invalid"


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """A value above `degraded` (or `invalid`) speaks against the run; a `ValueError` if they are in no order."""

    degraded: float
    invalid: float

    def __post_init__(self) -> None:
        if not 0 <= self.degraded <= self.invalid < math.inf:
            raise ValueError(
                "a run is degraded above the first limit and invalid above the second, not before"
            )

    def level(self, value: float) -> Level:
        """Return what `value` means."""
        if value > self.invalid:
            return Level.INVALID
        return Level.DEGRADED if value > self.degraded else Level.VALID


@dataclasses.dataclass(frozen=True, slots=True)
class Thresholds:
    """The table of limits; shares of one, ns and s."""

    lag_share: Threshold = Threshold(0.10, 0.50)
    lag_ns: Threshold = Threshold(0.5e6, 2e6)
    descheduled_share: Threshold = Threshold(0.02, 0.15)
    late_share: Threshold = Threshold(0.001, 0.01)
    backend_share: float = 0.85
    warmup_share: float = 0.10
    clock_step_s: float = 0.010


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """One finding and how much it weighs."""

    level: Level
    sentence: str
