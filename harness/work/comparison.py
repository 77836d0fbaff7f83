"""What a comparison is asked: both sides, what of them is measured, and how the load suite loads them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from harness.model import Scenario
from harness.policy.policy import Policy
from harness.session.receipt import Side
from harness.session.subjects import Subject
from harness.work.servers import Data
from harness.work.sides import Driven

SUITES = ("exact", "micro", "load")
"""In this order: what needs no statistics comes first."""
LOAD_SHARE = 0.5
"""Of the budget, where both micro-benchmarks and load are to be measured."""


@dataclasses.dataclass(frozen=True, slots=True)
class LoadOptions:
    """How the load suite loads: each segment is one run of this plan."""

    scenario: Scenario
    duration_s: float
    warmup_s: float
    backends: str
    data: Data
    rate_per_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """All that the user asked for, checked. `driven` is what the exact and load suites drive."""

    base: Subject
    candidate: Subject
    policy: Policy
    suites: tuple[str, ...]
    seed: int
    out: Path
    command: str
    name: str
    budget_s: float | None = None
    driven: Mapping[Side, Driven] | None = None
    load: LoadOptions | None = None

    def share_of(self, suite: str) -> float:
        """Return the part of the budget that one suite gets."""
        if not {"micro", "load"} <= set(self.suites):
            return 1.0
        return LOAD_SHARE if suite == "load" else 1 - LOAD_SHARE
