"""The view of runs: everything that their report shows, as plain data. Renderers lay it out and decide nothing."""

import dataclasses
from collections.abc import Mapping

from harness.reading.profiles import RunProfile
from reports.charts.data import Chart
from reports.shared.model import NextCommand, Row, Status, Table, Tone


@dataclasses.dataclass(frozen=True, slots=True)
class LimitLine:
    """One clause of a limit, with what the counts show of it; `sentence` begins with the state."""

    what: str
    state: str
    sentence: str
    tone: Tone


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: one sentence, what else must be known to read it, and how much it can be trusted."""

    status: Status
    sentence: str
    points: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    limits: tuple[LimitLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class RunCard:
    """One run: what it was, whether its numbers may be used, and how its calls ended."""

    label: str
    level: str
    reasons: tuple[str, ...]
    headline: str
    facts: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, int], ...]
    planned: int
    directory: str
    failures: tuple[str, ...] = ()
    """The most frequent reasons of calls that failed, as sentences."""
    withheld: str = ""
    """Why latency is not shown; empty where it is."""


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
    """By the label of the run."""


@dataclasses.dataclass(frozen=True, slots=True)
class AttributionRow:
    """One share of a latency's change: a part, or a function's share `of` a part, which stands before it.

    `link` opens the flame graph at the function; `interval` is of the change, empty where it is not known.
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
    """What a change of one operation's mean response, or of a percentile, is made of.

    The rows that are shares of no other row add up to it. Without rows `note` says why it is not divided.
    """

    operation: str
    metric: str
    before: str
    after: str
    change: str
    change_ns: float
    calls: int
    """Calls that it is made of, on the side that has fewer."""
    rows: tuple[AttributionRow, ...]
    note: str


@dataclasses.dataclass(frozen=True, slots=True)
class ReportView:
    """A whole report, in the order in which it is read."""

    title: str
    subtitle: str
    verdict: Verdict
    tiles: tuple[Row, ...]
    """The few figures that stand beside the verdict, one cell for each run."""
    comparison: Table
    lost: Table
    """The calls that got no answer; without rows where all did."""
    runs: tuple[RunCard, ...]
    changes: Table | None
    """What changed most between the runs, the largest first; None for a single run."""
    change_notes: tuple[str, ...]
    attributions: tuple[Attribution, ...]
    operations_table: Table
    operations: tuple[OperationView, ...]
    split: Table
    failures: Table
    """Why calls failed; without rows where none did."""
    held_by: tuple[Table, ...]
    """Who had the loop while calls waited for it, one table for each run; without rows where nobody waited."""
    stages: Table
    workers: Table
    """Without rows where one process did it all."""
    slowest: tuple[Table, ...]
    charts: tuple[Chart, ...]
    chart_notes: tuple[str, ...]
    """Why charts are missing."""
    heads: tuple[Head, ...]
    counters: Table
    backends: Table
    profiles: tuple[ProfileView, ...]
    profile_facts: Table
    profile_notes: tuple[str, ...]
    overhead: Table
    environment: Table
    differences: Table
    files: tuple[tuple[str, str], ...]
    """(run and file, size) of the raw data."""
    next_command: NextCommand
