"""The view of a judged session: everything that is shown, as plain data with its texts made."""

import dataclasses

from harness.errors import ExitCode
from harness.judge.verdict import Verdict
from reports.session.dots import Bar, DotPlot
from reports.shared.card import CardView
from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class Links:
    """Where the other files of the session are, as a reader of the report can open them."""

    receipt: str = "receipt.json"
    report: str | None = "report.html"
    """None where no page is made."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One comparison: every renderer prints these texts.

    `word` is the verdict as it is read: `accepted` for a regression that the policy accepts, `shown` for what stands
    beside the verdict and never decides. `key` is unique in the
    view, and an anchor of the page.
    """

    key: str
    benchmark: str
    metric: str
    verdict: Verdict
    word: str
    values: str
    """Base and candidate: `1.20 ms → 1.25 ms`."""
    change: str
    interval: str
    evidence: str
    """On what the verdict rests: `16 fresh blocks, p = 0.0002`."""
    points: tuple[str, ...]
    """What must be read with it, the most useful first: what would decide it, why it is accepted, its note."""
    limits: str
    """Margin and power: what counts as a change here, and what can be seen."""
    bar: Bar | None = None
    plot: DotPlot | None = None
    sites: Table | None = None

    @property
    def name(self) -> str:
        """Benchmark and metric."""
        return f"{self.benchmark} {self.metric}"

    @property
    def details(self) -> tuple[str, ...]:
        """What is not in the headline: values, evidence, points, limits."""
        values = self.values if self.values != self.headline else ""
        return tuple(filter(None, (values, self.evidence, *self.points, self.limits)))

    @property
    def headline(self) -> str:
        """The change with its interval, or the values where there is no such number."""
        if not self.change:
            return self.values
        return f"{self.change} ({self.interval})" if self.interval else self.change


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """The lines of one word, in the order in which they are read; `is_open` where they are worth the first screen."""

    word: str
    title: str
    lines: tuple[Line, ...]
    is_open: bool


@dataclasses.dataclass(frozen=True, slots=True)
class SessionView:
    """A whole session, in the order in which it is read."""

    title: str
    subtitle: str
    verdict: Verdict
    exit_code: ExitCode
    strict: bool
    """Whether what is inconclusive fails."""
    status: Status
    sentence: str
    points: tuple[str, ...]
    groups: tuple[Group, ...]
    trust: tuple[str, ...]
    """What the session can and cannot tell."""
    null_plot: DotPlot | None
    suspects: tuple[Table, ...]
    suspects_note: str
    facts: Table
    environment: Table
    card: CardView | None
    links: Links
    next_command: NextCommand

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every comparison, in reading order."""
        return tuple(line for group in self.groups for line in group.lines)
