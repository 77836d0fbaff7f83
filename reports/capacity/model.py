"""The view of a search for capacity."""

import dataclasses

from reports.charts.data import Chart
from reports.shared.model import NextCommand, Status, Table


@dataclasses.dataclass(frozen=True, slots=True)
class CapacityView:
    """A search, in the order in which it is read."""

    title: str
    subtitle: str
    status: Status
    sentence: str
    reasons: tuple[str, ...]
    """What keeps the answer from being better; the worst is in the sentence."""
    trust: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    probes: Table
    limits: Table
    """What every clause came to in every probe."""
    charts: tuple[Chart, ...]
    next_command: NextCommand
