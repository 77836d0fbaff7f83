"""The time-split chart: how the mean response divides, for all calls and for the slowest of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness.table.calls import Table
from harness.table.histogram import bucket_of
from harness.table.latency import METRICS, latencies, returned
from harness.table.pieces import pieces
from reports.charts.data import Chart, SplitBar, SplitPanel, SplitPlot
from reports.run.sides import Side
from reports.run.timesplit import PARTS, SERVICE, mean_parts

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
    """Return the mean parts over the slowest calls; empty where there are too few calls for a tail.

    Of the calls in the histogram bucket where the tail begins, which differ by 0.4 % at most, as many as are needed
    to fill it count, each by the mean of them: so no list of the slowest is kept.
    """
    response = side.run.total.histograms["response_ns"]
    count = round(response.count * _TAIL_SHARE)
    if count < _LEAST_TAIL:
        return {}
    from_end = np.cumsum(response.counts[::-1])
    edge = response.buckets[::-1][int(np.searchsorted(from_end, count))]
    above, at_edge = np.zeros(len(METRICS) + 1), np.zeros(len(METRICS) + 1)
    for piece in pieces(side.run.table):
        rows = returned(piece)
        bucket = bucket_of(np.maximum(rows["completed_ns"] - rows["intended_ns"], 0))
        above += _sums(rows[bucket > edge])
        at_edge += _sums(rows[bucket == edge])
    means = (above + at_edge * (count - above[-1]) / at_edge[-1]) / count
    parts = dict(zip(METRICS, means.tolist(), strict=False))
    is_split = side.run.total.histograms["run_ns"].count == response.count
    wanted = PARTS if is_split else ("lag_ns", "queue_ns", "service_ns")
    return {name: parts[name] for name in wanted}


def _sums(rows: Table) -> npt.NDArray[np.float64]:
    """Return the totals of each metric, and at the end the number of calls."""
    return np.array([*(values.sum() for values in latencies(rows).values()), len(rows)], np.float64)
