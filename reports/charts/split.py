"""The time-split chart: how the mean response divides, for all calls and for the slowest of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.model import Outcome
from reports.charts.data import Chart, SplitBar, SplitPanel, SplitPlot
from reports.sides import Side
from reports.timesplit import PARTS, SERVICE, mean_parts

_TAIL_SHARE = 0.01
_LEAST_TAIL = 5


def split_chart(shown: Sequence[tuple[int, Side]]) -> Chart:
    """Return stacked bars of lag, queue, run and waits: the mean of all calls, and of the slowest 1 %."""
    panels = [SplitPanel("mean of all calls", _bars([(side, mean_parts(side)) for _, side in shown]))]
    tails = [(side, _tail_parts(side)) for _, side in shown]
    if all(parts for _, parts in tails):
        panels.append(SplitPanel("mean of the slowest 1 %", _bars(tails)))
    return Chart(
        "split",
        "Where the response time goes",
        "Run: executing the call. Busy: others held the loop. Idle: a back end was awaited. The scales differ.",
        SplitPlot(tuple(panels), (*PARTS.items(), ("service_ns", SERVICE))),
    )


def _bars(sides: Sequence[tuple[Side, Mapping[str, float]]]) -> tuple[SplitBar, ...]:
    return tuple(SplitBar(side.label, tuple(parts.items())) for side, parts in sides)


def _tail_parts(side: Side) -> dict[str, float]:
    """Return the mean parts over the slowest calls; empty where there are too few calls for a tail."""
    table = side.run.table
    back = table[np.isin(table["outcome"], [outcome for outcome in Outcome if outcome.returned])]
    count = round(len(back) * _TAIL_SHARE)
    if count < _LEAST_TAIL:
        return {}
    response = back["completed_ns"] - back["intended_ns"]
    tail = back[np.argpartition(response, -count)[-count:]]
    service = tail["completed_ns"] - tail["entered_ns"]
    parts = {
        "lag_ns": tail["dispatched_ns"] - tail["intended_ns"],
        "queue_ns": tail["entered_ns"] - tail["dispatched_ns"],
    }
    if (tail["run_ns"] < 0).any():
        parts["service_ns"] = service
    else:
        parts |= {
            "run_ns": tail["run_ns"],
            "wait_busy_ns": tail["wait_busy_ns"],
            "wait_idle_ns": service - tail["run_ns"] - tail["wait_busy_ns"],
        }
    return {name: max(float(values.mean()), 0.0) for name, values in parts.items()}
