"""Object pools: reused objects, lists and buffers, beside new ones."""

from typing import Any

import pytest

from targets.asset_core.buffers import BufferPool
from targets.asset_core.data.generator import Inventory
from targets.asset_core.model import Risk
from targets.asset_core.pools import LIST_CAPACITY, Slab
from targets.asset_core.workspace import Workspace, make_workspace

USES = 100


@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "new-ones"])
def test_results(benchmark: Any, *, pooled: bool) -> None:
    """100 results taken, filled and given back."""
    workspace = make_workspace(pooled=pooled)
    benchmark.extra_info["per_call"] = USES
    benchmark(_use_results, workspace)
    assert workspace.assets.free == (1 if pooled else 0)


@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "new-ones"])
def test_lists_of_risks(benchmark: Any, inventory: Inventory, *, pooled: bool) -> None:
    """The risks of 100 assets, each in a list that is lent, read and given back."""
    risks = [inventory.bundle(number).risks for number in range(USES)]
    workspace = make_workspace(pooled=pooled)
    benchmark.extra_info["per_call"] = USES
    assert benchmark(_use_lists, workspace, risks) == sum(map(len, risks))
    with workspace.risks.lend() as slab:
        assert (slab.count, slab.capacity >= LIST_CAPACITY) == (0, True)


def test_buffers(benchmark: Any) -> None:
    """100 buffers of 4 KiB taken and given back."""
    pool = BufferPool()
    benchmark.extra_info["per_call"] = USES
    benchmark(_use_buffers, pool)
    assert pool.free == 1


def _use_results(workspace: Workspace) -> None:
    for number in range(USES):
        with workspace.assets.lend() as result:
            result.id, result.name, result.type = "host:a", "a", "host"
            result.risk_count, result.risk_score = number, 50.0


def _use_lists(workspace: Workspace, risks: list[list[Risk]]) -> int:
    total = 0
    for of_one in risks:
        with workspace.risks.lend() as slab:
            total += _count(slab, of_one)
    return total


def _count(slab: Slab[Risk], risks: list[Risk]) -> int:
    slab.fill(risks)
    return sum(1 for _ in slab.values())


def _use_buffers(pool: BufferPool) -> None:
    for _ in range(USES):
        pool.give(pool.take())
