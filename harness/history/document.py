"""The history of a project as plain data: the course of each metric of each benchmark since the reference.

Changes are shares (0.03 is 3 % more) since the start of their course, with intervals of 95 % confidence.
"""

import enum
from typing import Any

import msgspec

from harness.errors import ExitCode, worst
from harness.history.entry import Evidence

SCHEMA = 1


class Standing(enum.StrEnum):
    """The answer of `harness history check` on one course."""

    GREW = "grew"
    """The whole interval is above the allowed growth."""
    WITHIN = "within"
    OPEN = "open"
    """The interval holds the allowed growth."""
    UNTIED = "untied"
    """The newest states are not tied to the reference: nothing can be said."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One state on a course. `effect` is the measured change of its last step, and `verdict` the gate's on it."""

    commit: str
    day: str
    committed: str = ""
    subject: str = ""
    change: float
    low: float
    high: float
    effect: float | None = None
    verdict: str = ""
    is_anchored: bool = False
    value: float | None = None
    """The metric's value in its session: exact counts compare between sessions, times do not."""


class ChangePoint(msgspec.Struct, frozen=True, kw_only=True):
    """A level that changed after the commit `after`, and at `commit` at the latest; `change` is between both levels."""

    after: str
    commit: str
    change: float


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """The course of one metric of one benchmark on one machine."""

    benchmark: str
    metric: str
    unit: str
    kind: Evidence
    machine: str
    margin: float | None = None
    """Smallest change that the gate reports, as a share."""
    worse: int = 1
    """1 if more of the metric is worse, -1 if less is."""
    since: str
    """Commit at which the course starts: the reference, or the first state of a younger benchmark."""
    is_reference: bool
    points: list[Point]
    steps: int
    """Measured steps between states."""
    unseen_steps: int
    """Steps that made it worse and that no gate reported."""
    largest_step: float
    """Largest change for the worse among them."""
    since_anchor: int
    """States since the last one that was measured against the start of the course."""
    change_points: list[ChangePoint] = []
    untied: list[str] = []
    """Later commits whose effects are not tied to the start of the course."""
    notes: list[str] = []

    @property
    def last(self) -> Point:
        """The newest state that is tied to the start."""
        return self.points[-1]

    @property
    def worsening(self) -> tuple[float, float, float]:
        """The change of the last point signed so that more is worse, with its interval."""
        last = self.last
        if self.worse > 0:
            return last.change, last.low, last.high
        return tuple(1 / (1 + value) - 1 for value in (last.change, last.high, last.low))  # type: ignore[return-value]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The whole history, the courses that grew most first."""

    schema: int = SCHEMA
    folder: str
    reference: str | None
    """Commit of the named reference; None where each course starts at its first state."""
    reference_name: str = ""
    allowed: float
    """Growth that the project allows, as a share."""
    courses: list[Course]
    newest: str = ""
    """The newest commit of the ledger."""
    machines: list[str] = []
    complaints: list[str] = []
    """Lines of the ledger that could not be used, and other faults of it."""
    web_address: str | None = None
    """Address that becomes the address of a commit when its id is appended; None without a web host."""


def standing(course: Course, allowed: float) -> Standing:
    """Return whether a course grew by more than the allowed share."""
    if course.untied:
        return Standing.UNTIED
    _, low, high = course.worsening
    if low > allowed:
        return Standing.GREW
    return Standing.WITHIN if high <= allowed else Standing.OPEN


def exit_code(history: History, *, strict: bool) -> ExitCode:
    """Return the exit code of `harness history check`: growth beyond the allowed one, then missing data, then open intervals."""
    codes = {
        Standing.GREW: ExitCode.LIMIT_BROKEN,
        Standing.UNTIED: ExitCode.INVALID,
        Standing.OPEN: ExitCode.INCONCLUSIVE if strict else ExitCode.OK,
    }
    if not history.courses:
        return ExitCode.INVALID
    return worst(codes.get(standing(course, history.allowed), ExitCode.OK) for course in history.courses)


def as_json(history: History) -> dict[str, Any]:
    """Return the JSON document of `harness history --json`; keys may be added, never renamed."""
    document: dict[str, Any] = msgspec.to_builtins(history)
    for course, made in zip(history.courses, document["courses"], strict=True):
        made |= {
            "change": course.last.change,
            "low": course.last.low,
            "high": course.last.high,
            "commit": course.last.commit,
            "standing": str(standing(course, history.allowed)),
        }
    return document
