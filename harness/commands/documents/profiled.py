"""The document of profiles: `harness profile`, and `harness report` of them."""

from typing import NotRequired, TypedDict

from harness.commands.documents.parts import Document
from harness.profiles.facts import CpuFacts, MemoryFacts, WaitFacts


class FactsOfRounds(TypedDict):
    """The facts of each round's profile, by kind."""

    cpu: NotRequired[list[CpuFacts]]
    wait: NotRequired[list[WaitFacts]]
    memory: NotRequired[list[MemoryFacts]]


class ProfiledRun(TypedDict):
    """One side of a run for its profiles; `missing` are reasons for profiles that could not be made."""

    dir: str
    scenario: str
    target: str
    variant: str
    subject: str
    seed: int
    rounds: int
    interrupted: bool
    missing: list[str]
    profiles: FactsOfRounds


class Change(TypedDict):
    """The weight of a function per request on both sides; `finding` is changed, same or unclear."""

    before: float
    after: float
    change: float | None
    low: float | None
    high: float | None
    samples: float | None
    finding: str


class ChangedFunction(TypedDict):
    """One function, by itself and with what it calls."""

    operation: str
    function: str
    own: Change
    whole: Change


class Difference(TypedDict):
    """One profile of both sides."""

    profile: str
    unit: str
    rounds: list[int]
    functions: list[ChangedFunction]


class Profiled(Document):
    """Profiles of one side or two: `harness profile`, and `harness report` of them."""

    report: str | None
    runs: list[ProfiledRun]
    interleaved: NotRequired[bool]
    differences: NotRequired[list[Difference]]
