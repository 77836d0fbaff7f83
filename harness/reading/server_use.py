"""Describe what the server under test used: CPU, memory, descriptors and threads of its process tree, over the measured time.

Memory is the sum of the resident sets: pages that two processes share count for each. A server *grows throughout* if the
median of each quarter of the measured time is above that of the one before, and the last is clearly above the first:
caches that fill up stop to grow, leaks do not.
"""

import dataclasses
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.policy.growth import LEAST_S
from harness.reading.summary import RunSummary
from harness.run.documents import ServedFacts
from harness.units import format_bytes

Floats = npt.NDArray[np.float64]

_QUARTERS = 4
_LEAST_READINGS = 2 * _QUARTERS
_LEAST_GROWTH_BYTES = 1 << 20
_LEAST_GROWTH = 0.02
_WINDOW_S = 1.0
_MOST_WINDOWS = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """One resource: its first and last value of the measured time, and the highest."""

    first: int
    last: int
    most: int


@dataclasses.dataclass(frozen=True, slots=True)
class ServerUse:
    """Use of a server in the measured time. `cores` are processors in use on average; times of calls are in ns."""

    cpu_s: float
    cores: float
    cpu_ns_per_call: float | None
    rss_bytes: Range
    descriptors: Range
    threads: Range
    processes: Range
    growth: str
    """The sentence on a server whose memory grew throughout a run under a minute; empty for any other."""


def server_use(run: RunSummary) -> ServerUse | None:
    """Return the use of the run's server; None without one, or with too few readings of it."""
    served = run.document.served
    if served is None:
        return None
    at_s = np.array(served.usage.at_s, float)
    inside = np.flatnonzero((at_s >= 0) & (at_s <= run.measured_s))
    if len(inside) < 2:
        return None
    first, last = int(inside[0]), int(inside[-1])
    cores = float((served.usage.cpu_s[last] - served.usage.cpu_s[first]) / (at_s[last] - at_s[first]))
    # The readings do not fall on the ends of the measured time.
    cpu_s = cores * run.measured_s
    calls = run.total.count

    def spread(values: list[int]) -> Range:
        return Range(values[first], values[last], max(values[first : last + 1]))

    return ServerUse(
        cpu_s=cpu_s,
        cores=cores,
        cpu_ns_per_call=cpu_s / calls * 1e9 if calls else None,
        rss_bytes=spread(served.usage.rss_bytes),
        descriptors=spread(served.usage.descriptors),
        threads=spread(served.usage.threads),
        processes=spread(served.usage.processes),
        # Of a longer run there is a verdict: `harness.reading.growing`.
        growth=_growth(np.array(served.usage.rss_bytes, float)[inside], calls)
        if run.measured_s < LEAST_S
        else "",
    )


def _growth(rss: Floats, calls: int) -> str:
    if len(rss) < _LEAST_READINGS:
        return ""
    medians = [float(np.median(part)) for part in np.array_split(rss, _QUARTERS)]
    grown = medians[-1] - medians[0]
    is_clear = grown >= max(_LEAST_GROWTH_BYTES, _LEAST_GROWTH * medians[0])
    if not (is_clear and all(np.diff(medians) > 0)):
        return ""
    # From the middle of the first quarter to that of the last one.
    each = grown * _QUARTERS / (_QUARTERS - 1) / calls if calls else 0.0
    return (
        f"The server's memory grew throughout the measured time, from {format_bytes(medians[0])} to {format_bytes(medians[-1])} "
        f"({format_bytes(each)} a request): it may leak"
    )


def cores_over_time(served: ServedFacts, measured_s: float) -> tuple[Floats, Floats]:
    """Return (middle of each window in s, processors in use) over the measured time; empty with too few readings."""
    at_s, cpu_s = np.array(served.usage.at_s, float), np.array(served.usage.cpu_s, float)
    inside = (at_s >= 0) & (at_s <= measured_s)
    at_s, cpu_s = at_s[inside], cpu_s[inside]
    windows = int(min(measured_s / _WINDOW_S, _MOST_WINDOWS, len(at_s) - 1))
    if windows < 2:
        return np.zeros(0), np.zeros(0)
    edges = np.linspace(at_s[0], at_s[-1], windows + 1)
    return (edges[1:] + edges[:-1]) / 2, np.diff(np.interp(edges, at_s, cpu_s)) / np.diff(edges)


def server_json(run: RunSummary) -> dict[str, Any] | None:
    """Return the server's facts, its use and all readings as JSON data; None for a run without a server of the harness."""
    served = run.document.served
    if served is None:
        return None
    use = server_use(run)
    return {**msgspec.to_builtins(served), "use": dataclasses.asdict(use) if use else None}
