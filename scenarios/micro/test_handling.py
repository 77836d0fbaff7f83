"""Requests through the whole handler of the variant: route, token, cache, response. The stores answer at once."""

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from targets.core_events import proxy_event
from targets.core_target import CoreTarget

EVENTS = 10
GET_ASSET = "GET /assets/{id}"

HostCore = Callable[[str], CoreTarget]
Ask = Callable[[CoreTarget, str, int], list[Any]]


@pytest.mark.parametrize(
    "switches",
    ["", "l1:off", "l1:off,l2:off"],
    ids=["again", "without-l1", "without-caches"],
)
def test_get_asset(benchmark: Any, host: HostCore, ask: Ask, switches: str) -> None:
    """10 assets that were requested before: from L1, from L2, from the databases."""
    core = host(switches)
    events = ask(core, GET_ASSET, EVENTS)
    _answer_all(core, events)
    benchmark.extra_info["per_call"] = EVENTS
    assert benchmark(_answer_all, core, events) == EVENTS


def test_not_modified(benchmark: Any, host: HostCore, ask: Ask) -> None:
    """10 times the asset whose entity tag the caller knows: 304."""
    core = host("")
    (event,) = ask(core, GET_ASSET, 1)
    event["headers"]["If-None-Match"] = core.call(event)["headers"]["ETag"]
    benchmark.extra_info["per_call"] = EVENTS
    assert benchmark(_answer_all, core, [event] * EVENTS) == EVENTS
    assert core.call(event)["statusCode"] == 304


def test_health(benchmark: Any, host: HostCore) -> None:
    """10 requests for the health of the stores."""
    core = host("")
    event = proxy_event("GET", "/health", {})
    benchmark.extra_info["per_call"] = EVENTS
    assert benchmark(_answer_all, core, [event] * EVENTS) == EVENTS


def test_batch_get(benchmark: Any, host: HostCore, ask: Ask) -> None:
    """Many assets in one request, processed in batches and never from a cache."""
    core = host("")
    (event,) = ask(core, "POST /assets/batch-get", 1)
    benchmark.extra_info["per_call"] = len(json.loads(event["body"])["ids"])
    results = json.loads(_text(benchmark(core.call, event)))["results"]
    assert len(results) == benchmark.extra_info["per_call"]


def test_ingest(benchmark: Any, host: HostCore, ask: Ask) -> None:
    """Some assets in one request, checked, written to graph and table, and removed from the caches."""
    core = host("")
    (event,) = ask(core, "POST /assets", 1)
    benchmark.extra_info["per_call"] = len(json.loads(event["body"])["assets"])
    report = json.loads(_text(benchmark(core.call, event)))
    assert (report["failed"], report["written"] > 0) == (0, True)


def _text(response: Any) -> str:
    assert response["statusCode"] == 200
    body: str = response["body"]
    return gzip.decompress(base64.b64decode(body)).decode() if response["isBase64Encoded"] else body


def _answer_all(core: CoreTarget, events: Sequence[Any]) -> int:
    return sum(core.outcome(core.call(event)) == "completed" for event in events)
