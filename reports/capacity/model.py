"""The view of a search for capacity."""

import dataclasses

from reports.charts.data import Chart
from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class CapacityView:
    """A search in reading order."""

    title: str
    subtitle: str
    status: Status
    sentence: str
    reasons: tuple[str, ...]
    """Reasons that limit the answer; the gravest is in the sentence."""
    trust: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    probes: Table
    limits: Table
    """Result of every clause in every probe."""
    charts: tuple[Chart, ...]
    next_command: NextCommand
