"""View of a profile-only run: the content of its report as plain data."""

import dataclasses

from reports.flame.model import FlameView
from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileReport:
    """A whole report in reading order."""

    title: str
    subtitle: str
    status: Status
    sentence: str
    points: tuple[str, ...]
    """Notes needed to read it: missing data, dropped samples, the overhead of sampling."""
    changed: Table
    """Every function with a difference, by self weight; no row where there is none, or for one side."""
    counts: Table
    """Numbers of functions changed, unchanged and undecided, by profile; no row for one side."""
    graphs: tuple[FlameView, ...]
    facts: Table
    environment: Table
    files: tuple[str, ...]
    next_command: NextCommand
