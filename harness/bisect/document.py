"""The stored state of a bisection, from which it is resumed, and its answer."""

import enum
from typing import Any

import msgspec

SCHEMA = 1
NAME = "bisect.json"


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that could not be measured, with the reason."""

    commit: str
    reason: str


class Measured(msgspec.Struct, kw_only=True):
    """The changes of BAD over a commit, by block, as logarithms."""

    commit: str
    changes: list[float]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The question: equal questions continue an interrupted search."""

    good: str
    bad: str
    select: str
    suite: str
    metric: str | None


class Outcome(enum.StrEnum):
    """The kind of an answer."""

    FOUND = "found"
    RANGE = "range"
    NO_CHANGE = "no change"
    INTERRUPTED = "interrupted"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. Effects are shares (0.05 is 5 % more); `commit` is None unless it is one commit."""

    outcome: Outcome
    good: str
    bad: str
    benchmark: str
    metric: str
    commit: str | None = None
    commits: list[str] = []
    """The commits one of which made the change: the shortest range that is certain."""
    subject: str = ""
    probability: float | None = None
    effect: float | None = None
    """The change that the commit (or the range) made by itself."""
    low: float | None = None
    high: float | None = None
    total: float | None = None
    """The change between GOOD and BAD."""
    total_low: float | None = None
    total_high: float | None = None
    at_most: float | None = None
    """Largest change that is compatible with the measurements, where none was found."""
    probes: int = 0
    skipped: list[Skipped] = []
    functions: list[str] = []
    """Functions that differ from the commit before, as `path:name`."""
    notes: list[str] = []


class BisectDocument(msgspec.Struct, kw_only=True):
    """The stored state of a search. `commits` are GOOD and those that can have made the change, the oldest first."""

    schema: int = SCHEMA
    asked: Asked
    environment: dict[str, Any] = {}
    benchmark: str = ""
    metric: str = ""
    unit: str = ""
    is_exact: bool = False
    commits: list[str] = []
    paths: list[str] = []
    """The measured paths."""
    measured: list[Measured] = []
    """The first of them is GOOD."""
    skipped: list[Skipped] = []
    probes: int = 0
    finished: bool = False
    answer: Answer | None = None
    """The answer so far."""


def as_json(answer: Answer, folder: str, code: int) -> dict[str, Any]:
    """Return the JSON document of `harness bisect --json`; keys may be added, never renamed."""
    return {"schema": SCHEMA, **msgspec.to_builtins(answer), "dir": folder, "exit_code": code}
