"""Write request metrics as CloudWatch Embedded Metric Format lines, one for each operation, outcome and interval.

The hot path appends one number to a list; lines are written once the interval has passed or a list is long.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

from targets.asset_core.clocks import Clocks

NAMESPACE = "AssetCore"
INTERVAL_S = 10.0
FOLD_AT = 4096

Emit = Callable[[str], None]


def outcome_of(status: int) -> str:
    """Return success, unauthorised, timeout or error."""
    if status in {401, 403}:
        return "unauthorised"
    if status == 504:
        return "timeout"
    return "error" if status >= 500 else "success"


class Meter:
    """Collect durations; the first caller after the interval writes the lines."""

    def __init__(self, emit: Emit, clocks: Clocks, interval_s: float = INTERVAL_S) -> None:
        self._emit = emit
        self._clocks = clocks
        self._interval_s = interval_s
        self._next_s = clocks.monotonic() + interval_s
        self._series: dict[tuple[str, str], list[int]] = {}
        self._lock = threading.Lock()

    def record(self, operation: str, status: int, duration_ns: int) -> None:
        """Record one request."""
        key = (operation, "success" if status < 400 else outcome_of(status))
        with self._lock:
            series = self._series.get(key)
            if series is None:
                series = self._series[key] = []
            series.append(duration_ns)
            full = len(series) >= FOLD_AT
        if full or self._clocks.monotonic() >= self._next_s:
            self.flush()

    def flush(self) -> None:
        """Write a line for each operation and outcome seen since the last flush."""
        with self._lock:
            series, self._series = self._series, {}
            self._next_s = self._clocks.monotonic() + self._interval_s
        now_ms = int(self._clocks.wall() * 1000)
        for (operation, outcome), durations in series.items():
            self._emit(_line(operation, outcome, durations, now_ms))


def _line(operation: str, outcome: str, durations_ns: list[int], now_ms: int) -> str:
    metrics = [{"Name": outcome, "Unit": "Count"}, {"Name": "duration", "Unit": "Milliseconds"}]
    document: dict[str, Any] = {
        "_aws": {
            "Timestamp": now_ms,
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["operation", "outcome"]], "Metrics": metrics}
            ],
        },
        "operation": operation,
        "outcome": outcome,
        outcome: len(durations_ns),
        "duration": _distribution(durations_ns),
    }
    return json.dumps(document, separators=(",", ":"))


def _distribution(durations_ns: list[int]) -> dict[str, list[float]]:
    """Return the values and counts of a log-linear histogram in milliseconds, which EMF takes as one metric."""
    counts: dict[float, int] = {}
    for duration_ns in durations_ns:
        value_ms = _bucket_ms(duration_ns)
        counts[value_ms] = counts.get(value_ms, 0) + 1
    values = sorted(counts)
    return {"Values": values, "Counts": [counts[value] for value in values]}


def _bucket_ms(duration_ns: int) -> float:
    # 4 steps for each power of two above 32 us: at most 12.5 % off, and fewer than 100 values, which is EMF's limit.
    shift = max(duration_ns.bit_length() - 3, 12)
    return ((duration_ns >> shift) + 0.5) * (1 << shift) / 1e6
