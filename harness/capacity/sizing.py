"""Compute the length of a probe that can decide the SLO, and the duration of a search."""

import math
from collections.abc import Sequence

from harness.policy.certificates import calls_to_certify
from harness.policy.policy import Limit
from harness.policy.slo import SloMetric, parse

# Enough calls to certify a share with this margin.
_ROOM = 0.25
# Time of a probe beyond its own: to start a process, a target, Locust.
OVERHEAD_S = 3.0
_LONGEST_SHARE = 0.15
_CONFIRMATIONS = 2


def calls_needed(limits: Sequence[Limit]) -> int:
    """Return the number of calls that certify every clause, if a quarter of the allowed share breaks it."""
    shares = [
        clause.share
        for limit in limits
        for clause in parse(limit.slo)
        if clause.metric is not SloMetric.THROUGHPUT
    ]
    return max((calls_to_certify(share, share * _ROOM) or 0 for share in shares), default=1)


def probe_s(rate_per_s: float, calls: int, least_s: float, budget_s: float) -> float:
    """Return the measured time of a probe: at least `least_s`, longer for enough calls, within a share of the budget."""
    wanted_s = math.ceil(calls / rate_per_s)
    return max(least_s, min(float(wanted_s), budget_s * _LONGEST_SHARE))


def search_s(least_s: float, warmup_s: float, tolerance: float) -> float:
    """Return the approximate time of a search that begins within a factor of eight of its answer, in seconds."""
    bisections = math.ceil(math.log2(math.log(2) / math.log1p(tolerance)))
    return (4 + bisections + _CONFIRMATIONS) * (least_s + warmup_s + OVERHEAD_S)
