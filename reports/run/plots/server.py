"""Build the charts of what the server under test used."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.reading.server_use import cores_over_time
from reports.charts.data import Chart, OverTimePlot, Series
from reports.run.sides import Side


def server_charts(sides: Sequence[Side]) -> Iterator[Chart]:
    """Yield memory and processors of the servers over time."""
    memory, cores = [], []
    for number, side in enumerate(sides):
        served = side.run.document.served
        if served is None:
            continue
        at_s = np.array(served.usage.at_s, float)
        inside = (at_s >= 0) & (at_s <= side.run.measured_s)
        if inside.sum() > 1:
            rss = np.array(served.usage.rss_bytes, float)
            memory.append(Series(side.label, number, at_s[inside], rss[inside]))
        middles_s, used = cores_over_time(served, side.run.measured_s)
        if len(used):
            cores.append(Series(side.label, number, middles_s, used))
    if memory:
        yield Chart(
            "server-memory",
            "Memory of the server over time",
            "Resident memory of all of its processes.",
            OverTimePlot(tuple(memory), "memory", "bytes"),
        )
    if cores:
        yield Chart(
            "server-cpu",
            "Processors that the server used over time",
            "CPU time of all of its processes in each stretch of the measured time.",
            OverTimePlot(tuple(cores), "processors in use", "processors"),
        )
