"""Describe a stage of a plan, placed in time. This module imports nothing heavy: messages between processes use it."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A stage with its times; the rate changes linearly from `start_rate_per_s` to `end_rate_per_s`."""

    label: str
    start_s: float
    end_s: float
    start_rate_per_s: float
    end_rate_per_s: float
    warmup: bool = False
    slo: str = ""
    """Absolute limits for this stage alone."""

    @property
    def area(self) -> float:
        """Expected number of arrivals."""
        return (self.start_rate_per_s + self.end_rate_per_s) / 2 * (self.end_s - self.start_s)
