"""The document of a search for the capacity: `harness capacity`, and `harness report` of one."""

from typing import TypedDict

from harness.capacity.document import ProbeFacts
from harness.commands.documents.parts import Document


class CapacityFound(TypedDict):
    """The highest rate that keeps the SLO, with its interval; null where it is unknown."""

    per_s: float | None
    low_per_s: float | None
    high_per_s: float | None
    confidence: float
    scatter: float | None
    held_per_s: float | None
    broke_per_s: float | None
    held_confirmed: bool
    broke_confirmed: bool
    wall_per_s: float | None


class Capacity(Document):
    """A search for the capacity: `harness capacity`, and `harness report` of one."""

    report: str | None
    dir: str
    scenario: str
    target: str
    variant: str
    seed: int
    slo: list[str]
    validity: str
    reasons: list[str]
    interrupted: bool
    ended: str | None
    capacity: CapacityFound
    probes: list[ProbeFacts]
    exit_code: int
