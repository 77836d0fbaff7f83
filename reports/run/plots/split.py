"""Build the time-split chart: the parts of the mean response of all calls and of the slowest."""

from collections.abc import Mapping, Sequence

from harness.reading.engines import others
from harness.reading.parts import mean_parts, tail_parts
from reports.charts.data import Chart, SplitBar, SplitPanel, SplitPlot
from reports.run.sides import Side
from reports.run.timesplit import PART_NAMES, SERVICE, parts_of

_PARTS = "Executing: running the call. Event loop blocked: {} ran. I/O wait: the loop was idle."
_UNDIVIDED = "Lag: sent later than intended. Queue: waiting for a free worker. Service: inside the target."


def split_chart(shown: Sequence[tuple[int, Side]]) -> Chart:
    """Return stacked bars of lag, queue, run and waits: the mean of all calls, and of the slowest 1 %."""
    panels = [
        SplitPanel("mean of all calls", _bars([(side, mean_parts(side.run.total)) for _, side in shown]))
    ]
    tails = [(side, tail_parts(side.run)) for _, side in shown]
    if all(parts for _, parts in tails):
        panels.append(SplitPanel("mean of the slowest 1 %", _bars(tails)))
    names = parts_of([side for _, side in shown])
    return Chart(
        "split",
        "Where the response time goes",
        f"{_PARTS.format(others(side.run for _, side in shown)) if names is PART_NAMES else _UNDIVIDED} The scales differ.",
        SplitPlot(tuple(panels), tuple({**names, "service_ns": SERVICE}.items())),
    )


def _bars(sides: Sequence[tuple[Side, Mapping[str, float]]]) -> tuple[SplitBar, ...]:
    return tuple(SplitBar(side.label, tuple(parts.items())) for side, parts in sides)
