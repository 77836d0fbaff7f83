"""The view of a history: plain data for HTML, text and tests. Positions are percentages of a plot's width and height."""

import dataclasses

from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """One state on a chart. `kind` is `regressed`, `improved`, `anchored` or empty."""

    x: float
    y: float
    text: str
    kind: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """A commit by name, with its web page, if it has one."""

    text: str
    address: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A value on the vertical axis."""

    y: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """A small chart: the level with its interval over the states, in equal steps."""

    line: str
    """Points of the level, `x,y x,y`."""
    band: str
    """Outline of the intervals."""
    zero: float
    allowed: float | None
    """Height of the allowed growth; None where it is beyond the chart."""
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    changes: tuple[float, ...]
    """Horizontal places of the change points."""
    first: Link
    last: Link
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Commit:
    """A row of the table of a course. `step` is the change of its last step, `verdict` the gate's on it."""

    name: Link
    day: str
    subject: str
    step: str
    verdict: str
    growth: str
    interval: str
    value: str
    tone: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class CourseView:
    """One course: its headline, its chart, and its newest states."""

    key: str
    benchmark: str
    metric: str
    machine: str
    word: str
    growth: str
    interval: str
    spark: str
    points: tuple[str, ...]
    plot: Plot
    commits: tuple[Commit, ...]
    hidden: int
    """Older states that the table leaves out."""


@dataclasses.dataclass(frozen=True, slots=True)
class HistoryView:
    """The whole page."""

    title: str
    subtitle: str
    sentence: str
    status: Status
    reasons: tuple[str, ...]
    table: Table
    courses: tuple[CourseView, ...]
    hidden: int
    """Courses without a chart, for a page of a readable size."""
    trust: tuple[str, ...]
    next_command: NextCommand
