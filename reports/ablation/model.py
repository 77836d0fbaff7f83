"""The rows of an ablation, and the view made of them."""

import dataclasses

from harness.judge.verdict import Verdict
from reports.charts.data import Chart
from reports.model import NextCommand, Table


@dataclasses.dataclass(frozen=True, slots=True)
class AblationRow:
    """One metric of one operation, with everything on against everything but `switch`.

    `worth` is relative: 0.25 says that without the switch the metric is 25 % larger; below zero it costs more than it
    saves. `low` and `high` are its interval; None for what was counted exactly. A row without `worth` was not measured,
    and `note` says why.
    """

    switch: str
    operation: str
    metric: str
    worth: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    note: str = ""


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
