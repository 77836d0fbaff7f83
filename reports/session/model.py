"""View of a judged session: its content as plain data with formatted texts."""

import dataclasses

from harness.errors import ExitCode
from harness.judge.verdict import Verdict
from reports.session.dots import Bar, DotPlot
from reports.shared.card import CardView
from reports.shared.model import NextCommand, Status, Table

WATCHED = "watched"
"""Word for a comparison that is only watched, and shows no change."""


@dataclasses.dataclass(frozen=True, slots=True)
class Links:
    """Links to the other files of the session, as a reader of the report can open them."""

    receipt: str = "receipt.json"
    report: str | None = "report.html"
    """Link to the page; None where no page is made."""
    others: tuple[str, ...] = ()
    """The other receipts, where several are judged together."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One comparison with the texts that every renderer prints.

    `word` is the verdict as shown: `accepted` for a regression that the policy accepts, `watched` for a comparison
    that is only watched and shows no change. `key` is unique in the view, and an anchor of the page.
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
    """Evidence of the verdict: `16 fresh blocks, p = 0.0002`."""
    points: tuple[str, ...]
    """Notes on it, the most useful first: how to decide it, why it is accepted, its note."""
    limits: str
    """Margin and minimum detectable effect."""
    coverage: str = ""
    """Amount of the benchmark that each process ran."""
    bar: Bar | None = None
    plot: DotPlot | None = None
    sites: Table | None = None

    @property
    def name(self) -> str:
        """Benchmark and metric."""
        return f"{self.benchmark} {self.metric}"

    @property
    def details(self) -> tuple[str, ...]:
        """Texts that are not in the headline: values, evidence, points, limits, coverage."""
        values = self.values if self.values != self.headline else ""
        return tuple(filter(None, (values, self.evidence, *self.points, self.limits, self.coverage)))

    @property
    def headline(self) -> str:
        """The change with its interval, or the values where there is no change."""
        if not self.change:
            return self.values
        return f"{self.change} ({self.interval})" if self.interval else self.change


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """The lines of one word in reading order; `is_open` where they belong on the first screen."""

    word: str
    title: str
    lines: tuple[Line, ...]
    is_open: bool


@dataclasses.dataclass(frozen=True, slots=True)
class SessionView:
    """A whole session in reading order."""

    title: str
    subtitle: str
    verdict: Verdict
    exit_code: ExitCode
    strict: bool
    """True if inconclusive comparisons fail."""
    status: Status
    sentence: str
    points: tuple[str, ...]
    groups: tuple[Group, ...]
    trust: tuple[str, ...]
    """Sentences on what the session can and cannot show."""
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

    @property
    def told(self) -> tuple[Group, ...]:
        """The groups without the metrics that are only watched and show no change."""
        return tuple(group for group in self.groups if group.word != WATCHED)

    @property
    def untold(self) -> int:
        """Number of comparisons that are only watched and show no change."""
        return len(self.lines) - sum(len(group.lines) for group in self.told)
