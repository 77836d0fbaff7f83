"""Assets to DynamoDB items, and items in batches to a table that takes all of them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from targets.asset_core.data.generator import Inventory
from targets.asset_core.model import Bundle
from targets.asset_core.scope import Scope
from targets.asset_core.stores.batch_writer import BATCH_SIZE, WriteReport, write_batches
from targets.asset_core.stores.dynamo_items import items_of, key_of


class Table:
    """A client and its table in one, which keeps what it gets in memory."""

    table = "assets"

    def __init__(self) -> None:
        self.client = self
        self.items: dict[tuple[str, str], Any] = {}

    def call(self, method: Callable[..., Any], _scope: Scope, **arguments: Any) -> Any:
        """Make one call."""
        return method(**arguments)

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Keep the items of one batch."""
        for request in RequestItems[self.table]:
            item = request["PutRequest"]["Item"]
            self.items[key_of(item)] = item
        return {"UnprocessedItems": {}}

    def write_many(self, writes: Sequence[Any], _scope: Scope) -> list[Any]:
        """Keep the items of one batch; nothing is left over."""
        self.items.update((write.key, write.item) for write in writes)
        return []

    def write_one(self, write: Any, scope: Scope) -> None:
        """Keep one item."""
        self.write_many([write], scope)


@pytest.fixture
def bundles(inventory: Inventory) -> list[Bundle]:
    """40 assets with what belongs to them."""
    return [inventory.bundle(number) for number in range(40)]


def test_write_in_batches(benchmark: Any, bundles: list[Bundle], scope: Scope) -> None:
    """40 assets with their technologies: items made, deduplicated and written, 25 a call."""
    table = Table()
    report = benchmark(_write, table, bundles, scope)
    written = len(bundles) + sum(len({item.name for item in bundle.technologies}) for bundle in bundles)
    assert report.written == len(table.items) == written
    assert 0 <= report.calls - written / BATCH_SIZE <= 2


def _write(table: Table, bundles: list[Bundle], scope: Scope) -> WriteReport:
    return write_batches(table, [item for bundle in bundles for item in items_of(bundle)], scope)
