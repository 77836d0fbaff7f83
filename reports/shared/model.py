"""The view: everything a report shows, as plain data. Renderers lay it out and decide nothing.

A cell carries the number and its text, so that tests read numbers and every renderer prints the same text.
"""

import dataclasses
import enum
from collections.abc import Mapping

from harness.profiles.stacks.folded import Profile
from reports.charts.data import Chart


class Tone(enum.StrEnum):
    """How a cell or a sentence is to be read; always said in words as well, never by colour alone."""

    PLAIN = ""
    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    """Beyond the caution factor, where neither way is better."""
    SIMILAR = "similar"
    """Within the caution factor: cannot be told from noise."""
    MISSING = "missing"


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table. `ratio` is against the first run; `note` says why a value is missing."""

    text: str
    value: float | None = None
    ratio: float | None = None
    ratio_text: str = ""
    tone: Tone = Tone.PLAIN
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A named share of a bar: `share` of one, `text` its absolute value."""

    key: str
    label: str
    share: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A labelled line of cells; `group` is a label that several rows share, `bar` a division of the whole.

    `hint` explains the label, on a line of its own; `mark` is one word beside it.
    """

    label: str
    cells: tuple[Cell, ...]
    group: str = ""
    hint: str = ""
    bar: tuple[Part, ...] = ()
    mark: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table with the head of each column after the label's; every row has as many cells as `columns`."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    label_head: str = ""
    notes: tuple[str, ...] = ()
    numeric: bool = True
    prose: tuple[str, ...] = ()
    """Heads of the columns of a numeric table that hold words, which stand left and may take several lines."""

    @property
    def changes(self) -> tuple[bool, ...]:
        """Which columns say how they differ from the first one, in any row."""
        cells = zip(*(row.cells for row in self.rows), strict=True)
        return tuple(any(cell.ratio_text for cell in column) for column in cells)


class Status(enum.StrEnum):
    """The colour of the headline."""

    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"


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
class FlameSide:
    """One run's profile for a flame graph; weights are of the whole run, `requests` by operation scale them."""

    label: str
    profile: Profile
    requests: Mapping[str, int]
    ns_per_sample: float | None = None
    """CPU time that one sample stands for; None where it is not known or nothing was sampled."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileView:
    """One kind of profile in all runs that have it."""

    key: str
    title: str
    unit: str
    sides: tuple[FlameSide, ...]


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
class NextCommand:
    """The next command worth typing, and why."""

    command: str
    why: str


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
