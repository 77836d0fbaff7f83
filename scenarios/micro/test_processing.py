"""`process_assets`: many ids in batches over five workers, in order; the stores answer at once."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from targets.asset_core.allocations import AllocationTracker
from targets.asset_core.data.generator import Inventory
from targets.asset_core.executor import AtOnce
from targets.asset_core.gc_policy import GcPolicy
from targets.asset_core.processing import WORKERS, Processor
from targets.asset_core.scope import Scope
from targets.asset_core.stores.memory import MemoryStores
from targets.asset_core.workspace import make_workspace

IDS = 100


@pytest.fixture(params=[True, False], ids=["batched", "asset-by-asset"])
def processor(request: pytest.FixtureRequest, stores: MemoryStores) -> Iterator[Processor]:
    """Yield a processor that reads a batch in one call of each store, or asset by asset."""
    executor = AtOnce(WORKERS, name="batch")
    yield Processor(
        stores=stores,
        executor=executor,
        wall=lambda: 0.0,
        batched=request.param,
        workspace=make_workspace(pooled=True),
        policy=GcPolicy(AllocationTracker()),
    )
    executor.close()


def test_process_assets(benchmark: Any, processor: Processor, inventory: Inventory, scope: Scope) -> None:
    """100 ids of one tenant."""
    tenant = inventory.tenants[0]
    ids = [inventory.identity(number % tenant.count)[1] for number in range(IDS)]
    benchmark.extra_info["per_call"] = IDS
    assert benchmark(_process, processor, tenant.name, ids, scope) == ids


def _process(processor: Processor, tenant: str, ids: Sequence[str], scope: Scope) -> list[str]:
    outcomes = list(processor.process(tenant, ids, scope))
    processor.release(outcomes)
    return [outcome.id for outcome in outcomes if outcome.result is not None]
