"""The view of a profile-only run: everything that its report shows, as plain data."""

import dataclasses

from reports.flame.model import FlameView
from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileReport:
    """A whole report, in the order in which it is read."""

    title: str
    subtitle: str
    status: Status
    sentence: str
    points: tuple[str, ...]
    """What must be known to read it: what is missing, what was dropped, what sampling cost."""
    changed: Table
    """Every function that is told apart, by its own weight; no row where none is, or for one side."""
    counts: Table
    """By profile: how many functions changed, are the same, and cannot be told; no row for one side."""
    graphs: tuple[FlameView, ...]
    facts: Table
    environment: Table
    files: tuple[str, ...]
    next_command: NextCommand
