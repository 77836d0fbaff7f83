"""An ablation as it is read: the view made of its rows."""

import dataclasses

from reports.charts.data import Chart
from reports.shared.model import NextCommand, Table


@dataclasses.dataclass(frozen=True, slots=True)
class AblationView:
    """An ablation, in the order in which it is read."""

    title: str
    subtitle: str
    sentence: str
    trust: tuple[str, ...]
    summary: Table
    """One row for each switch: where it matters most. The largest worth first."""
    table: Table
    """Every row, the largest worth first."""
    charts: tuple[Chart, ...]
    next_command: NextCommand
