"""View of an ablation."""

import dataclasses

from reports.charts.data import Chart
from reports.shared.model import NextCommand, Table


@dataclasses.dataclass(frozen=True, slots=True)
class AblationView:
    """An ablation in reading order."""

    title: str
    subtitle: str
    sentence: str
    trust: tuple[str, ...]
    summary: Table
    """One row for each switch, with its most important effect; the largest effect first."""
    table: Table
    """All rows, the largest effect first."""
    charts: tuple[Chart, ...]
    next_command: NextCommand
