"""Assets to DynamoDB items, and items in batches to a table in memory."""

from typing import Any

import pytest

from targets.asset_core.data.generator import Inventory
from targets.asset_core.model import Bundle
from targets.asset_core.scope import Scope
from targets.asset_core.stores.batch_writer import BATCH_SIZE, WriteReport, write_batches
from targets.asset_core.stores.dynamo_items import items_of
from targets.asset_core.stores.memory import MemoryAssets, MemoryStores


@pytest.fixture
def bundles(inventory: Inventory) -> list[Bundle]:
    """Return 40 assets with their technologies, risks and relationships."""
    return [inventory.bundle(number) for number in range(40)]


def test_write_in_batches(benchmark: Any, bundles: list[Bundle], stores: MemoryStores, scope: Scope) -> None:
    """40 assets with their technologies: items made, deduplicated and written, 25 a call."""
    report = benchmark(_write, stores.assets, bundles, scope)
    written = len(bundles) + sum(len({item.name for item in bundle.technologies}) for bundle in bundles)
    assert (report.written, report.unwritten) == (written, {})
    assert 0 <= report.calls - written / BATCH_SIZE <= 2


def _write(store: MemoryAssets, bundles: list[Bundle], scope: Scope) -> WriteReport:
    return write_batches(store, [item for bundle in bundles for item in items_of(bundle)], scope)
