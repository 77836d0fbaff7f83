"""The view of runs of micro-benchmarks: everything that a report of them shows, as plain data."""

import dataclasses

from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class MicroCard:
    """One run: whether its numbers may be used, and under what conditions it was made."""

    label: str
    level: str
    headline: str
    reasons: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class MicroView:
    """A whole report, in the order in which it is read."""

    title: str
    subtitle: str
    status: Status
    sentence: str
    trust: tuple[str, ...]
    cards: tuple[MicroCard, ...]
    comparison: Table | None
    """The medians of several runs side by side; None for a single run."""
    tables: tuple[Table, ...]
    """The times of each run."""
    missing: Table
    """What was not measured, with the reason."""
    environment: Table
    differences: Table
    files: tuple[str, ...]
    next_command: NextCommand
