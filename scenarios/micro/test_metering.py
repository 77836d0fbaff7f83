"""The cost of metrics on the hot path, and their metric lines."""

import json
from typing import Any

from targets.asset_core.clocks import Clocks
from targets.asset_core.metering import Meter

REQUESTS = 1000


def test_meter_requests(benchmark: Any) -> None:
    """1,000 requests of two operations recorded, and their two metric lines written."""
    lines: list[str] = []
    meter = Meter(lines.append, Clocks(monotonic=lambda: 0.0, wall=lambda: 0.0))
    benchmark.extra_info["per_call"] = REQUESTS
    benchmark(_meter, meter, lines)
    documents = [json.loads(line) for line in lines]
    assert [sum(document["duration"]["Counts"]) for document in documents] == [REQUESTS // 2] * 2


def _meter(meter: Meter, lines: list[str]) -> None:
    lines.clear()
    for number in range(REQUESTS):
        meter.record("GET /health" if number % 2 else "GET /assets/{id}", 200, 40_000 + number * 97)
    meter.flush()
