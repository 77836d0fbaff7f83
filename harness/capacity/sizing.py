"""Compute the length of a probe that can decide the SLO, and the duration of a search."""

import math
from collections.abc import Sequence

from harness.capacity.refine import REFINEMENTS
from harness.policy.policy import Limit
from harness.policy.slo import SloMetric, parse
from harness.table.histogram import BEYOND

# Time of a probe beyond its own: to start a process, a target, Locust.
OVERHEAD_S = 3.0
_LONGEST_SHARE = 0.15


def calls_needed(limits: Sequence[Limit]) -> int:
    """Return the number of calls of which every clause allows ten to break it: as many as a percentile needs."""
    shares = [
        clause.share
        for limit in limits
        for clause in parse(limit.slo)
        if clause.metric is not SloMetric.THROUGHPUT
    ]
    return max((math.ceil(BEYOND / share) for share in shares), default=1)


def probe_s(rate_per_s: float, calls: int, least_s: float, budget_s: float) -> float:
    """Return the measured time of a probe: at least `least_s`, longer for enough calls, within a share of the budget."""
    wanted_s = math.ceil(calls / rate_per_s)
    return max(least_s, min(float(wanted_s), budget_s * _LONGEST_SHARE))


def search_s(least_s: float, warmup_s: float) -> float:
    """Return the approximate time of a search that begins within a factor of eight of its answer, in seconds."""
    return (4 + REFINEMENTS) * (least_s + warmup_s + OVERHEAD_S)
