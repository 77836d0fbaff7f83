"""Requests through the whole handler of the variant: route, token, cache, response. The stores answer at once."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from targets.core_target import CoreTarget, proxy_event

EVENTS = 10

HostCore = Callable[[str], CoreTarget]
Ask = Callable[[CoreTarget, int], list[Any]]


@pytest.mark.parametrize(
    "switches",
    ["", "l1:off", "l1:off,l2:off"],
    ids=["again", "without-l1", "without-caches"],
)
def test_get_asset(benchmark: Any, host: HostCore, ask: Ask, switches: str) -> None:
    """10 assets that were asked for before: from L1, from L2, from the databases."""
    core = host(switches)
    events = ask(core, EVENTS)
    _answer_all(core, events)
    benchmark.extra_info["per_call"] = EVENTS
    assert benchmark(_answer_all, core, events) == EVENTS


def test_not_modified(benchmark: Any, host: HostCore, ask: Ask) -> None:
    """10 times the asset whose entity tag the caller knows: 304."""
    core = host("")
    (event,) = ask(core, 1)
    event["headers"]["If-None-Match"] = core.call(event)["headers"]["ETag"]
    benchmark.extra_info["per_call"] = EVENTS
    assert benchmark(_answer_all, core, [event] * EVENTS) == EVENTS
    assert core.call(event)["statusCode"] == 304


def test_health(benchmark: Any, host: HostCore) -> None:
    """10 questions for the state of the stores."""
    core = host("")
    event = proxy_event("GET", "/health", {})
    benchmark.extra_info["per_call"] = EVENTS
    assert benchmark(_answer_all, core, [event] * EVENTS) == EVENTS


def _answer_all(core: CoreTarget, events: Sequence[Any]) -> int:
    return sum(core.outcome(core.call(event)) == "completed" for event in events)
