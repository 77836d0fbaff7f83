"""View of runs of micro-benchmarks: the content of their report as plain data."""

import dataclasses

from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class MicroCard:
    """One run with the validity of its numbers and its conditions."""

    label: str
    level: str
    headline: str
    reasons: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class MicroView:
    """A whole report in reading order."""

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
    """Benchmarks that were not measured, with the reason."""
    environment: Table
    differences: Table
    files: tuple[str, ...]
    next_command: NextCommand
