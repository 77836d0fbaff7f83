"""Work handed to pools: the cost of handing it over, and jobs through the whole handler of the variant."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from targets.asset_core.scope import Scope
from targets.asset_core.workers.item import Item
from targets.asset_core.workers.pool import WorkerPool
from targets.core_target import CoreTarget

ITEMS = 10
DRAWN = 40

HostCore = Callable[[str], CoreTarget]
Ask = Callable[[CoreTarget, str, int], list[Any]]


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Yield five workers; their queue holds ten items."""
    made = WorkerPool("benchmark", 5)
    yield made
    made.close(5.0)


def test_worker_pool(benchmark: Any, pool: WorkerPool, scope: Scope) -> None:
    """10 empty items handed to a pool and back."""
    benchmark.extra_info["per_call"] = ITEMS
    assert benchmark(_work_off, pool, scope) == [f"item-{number}" for number in range(ITEMS)]


@pytest.mark.parametrize("kind", ["vulnerability-scan", "risk-correlation"])
def test_job(benchmark: Any, host: HostCore, ask: Ask, kind: str) -> None:
    """One job, from submission to result."""
    core = host("")
    events = ask(core, "POST /jobs", DRAWN)
    event = next(event for event in events if json.loads(event["body"])["kind"] == kind)
    event["body"] = json.dumps(json.loads(event["body"]) | {"wait": True})
    response = benchmark(core.call, event)
    assert response["statusCode"] == 200
    assert '"done"' in response["body"]


def _work_off(pool: WorkerPool, scope: Scope) -> list[str]:
    items = [Item(f"item-{number}", "none", None, "tenant-01", scope, _work) for number in range(ITEMS)]
    for item in items:
        pool.submit(item)
    return [item.future.result(timeout=60) for item in items]


def _work(item: Item) -> str:
    return item.id
