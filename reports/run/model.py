"""View of runs: the content of their report as plain data. Renderers only lay it out."""

import dataclasses
from collections.abc import Mapping

from harness.reading.profiles import RunProfile
from reports.charts.data import Chart
from reports.shared.model import NextCommand, Row, Status, Table, Tone


@dataclasses.dataclass(frozen=True, slots=True)
class LimitLine:
    """One clause of a limit with its result; `sentence` begins with the state."""

    what: str
    state: str
    sentence: str
    tone: Tone


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Answer of a report: one sentence, notes needed to read it, and its validity."""

    status: Status
    sentence: str
    points: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    limits: tuple[LimitLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class RunCard:
    """One run: its plan, the validity of its numbers, and the outcomes of its calls."""

    label: str
    level: str
    reasons: tuple[str, ...]
    headline: str
    facts: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, int], ...]
    planned: int
    directory: str
    failures: tuple[str, ...] = ()
    """Most frequent reasons of failed calls, as sentences."""
    withheld: str = ""
    """Reason why latency is not shown; empty where it is shown."""
    growth: tuple[str, ...] = ()
    """Quantities of the process that grow, that are flat and that are open, as sentences."""
    growing: int = 0
    """Number of those that grow, which are the first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """One of the five quality heads of the core."""

    key: str
    title: str
    question: str
    table: Table


@dataclasses.dataclass(frozen=True, slots=True)
class OperationView:
    """One operation in all runs."""

    name: str
    key: str
    table: Table


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileView:
    """One kind of profile in all runs that have it."""

    key: str
    title: str
    unit: str
    sides: Mapping[str, RunProfile]
    """Profiles by label of the run."""


@dataclasses.dataclass(frozen=True, slots=True)
class AttributionRow:
    """One share of a latency's change: a part, or a function's share `of` the part in a row before.

    `link` opens the flame graph at the function; `interval` is of the change, empty where unknown.
    """

    label: str
    path: str
    before: str
    after: str
    change: str
    change_ns: float
    share: str
    link: str
    interval: str = ""
    of: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Attribution:
    """Division of the change of one operation's mean response or percentile.

    Rows that are not a share of another row add up to the change. Without rows `note` has the reason.
    """

    operation: str
    metric: str
    before: str
    after: str
    change: str
    change_ns: float
    calls: int
    """Number of calls behind it, on the side with fewer."""
    rows: tuple[AttributionRow, ...]
    note: str


@dataclasses.dataclass(frozen=True, slots=True)
class ReportView:
    """A whole report in reading order."""

    title: str
    subtitle: str
    verdict: Verdict
    tiles: tuple[Row, ...]
    """Key figures beside the verdict, one cell for each run."""
    comparison: Table
    lost: Table
    """Requests without a response; without rows where all had one."""
    runs: tuple[RunCard, ...]
    changes: Table | None
    """Largest changes between the runs, the largest first; None for a single run."""
    change_notes: tuple[str, ...]
    attributions: tuple[Attribution, ...]
    operations_table: Table
    operations: tuple[OperationView, ...]
    split: Table
    failures: Table
    """Reasons of failed calls; without rows where no call failed."""
    journeys: Table
    """Ends of the users' journeys; without rows for targets without a journey."""
    held_by: tuple[Table, ...]
    """Causes of a blocked event loop while calls waited, a table for each run; without rows where no call waited."""
    stages: Table
    workers: Table
    """Workers of the runs; without rows for runs of one process."""
    slowest: tuple[Table, ...]
    charts: tuple[Chart, ...]
    chart_notes: tuple[str, ...]
    """Reasons why charts are missing."""
    heads: tuple[Head, ...]
    growth: Table
    """Growth of the process's resources; without rows for short runs."""
    counters: Table
    backends: Table
    server: Table
    """Resources of the server under test; without rows where the harness started none."""
    profiles: tuple[ProfileView, ...]
    profile_facts: Table
    profile_notes: tuple[str, ...]
    overhead: Table
    environment: Table
    differences: Table
    files: tuple[tuple[str, str], ...]
    """(run and file, size) of the raw data."""
    next_command: NextCommand
