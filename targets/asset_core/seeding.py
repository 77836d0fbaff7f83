"""Load an inventory into real stores: table, constraints, everything in batches, and an empty cache."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from targets.asset_core.counting import Tally
from targets.asset_core.data.inventory import Assets
from targets.asset_core.data.opening import open_inventory
from targets.asset_core.errors import StoreError
from targets.asset_core.keys import CACHE_PREFIX
from targets.asset_core.model import Bundle
from targets.asset_core.profiles import SERVER
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.graph_writer import make_schema, write_links, write_nodes
from targets.asset_core.stores.names import DYNAMODB
from targets.asset_core.stores.servers import OpenedStores, ServerStores
from targets.asset_core.stores.table import make_table

CHUNK = 500
"""Number of assets in one round of writes."""

LIMIT_S = 1800.0

Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True, slots=True)
class SeedReport:
    """The written amounts, the number of calls, and the time of each store."""

    assets: int
    risks: int
    technologies: int
    relationships: int
    dynamodb_calls: int
    graph_calls: int
    flushed_keys: int
    graph_ns: int
    dynamodb_ns: int


def seed(settings: StoreSettings, data: str, seed: int, *, limit_s: float = LIMIT_S) -> SeedReport:
    """Load the inventory of a size and `seed`, or of a file; idempotent. Raises StoreError if anything stays unwritten.

    The graph is written first, DynamoDB's `META` items last. In Redis only the core's own keys are removed.
    """
    inventory = open_inventory(data, seed)
    stores = ServerStores(settings)(SERVER, pooling=True)
    scope = Scope(time.monotonic() + limit_s, Tally())
    try:
        return _load(stores, inventory, scope)
    finally:
        for store in (stores.assets, stores.graph, stores.cache):
            store.close()


def _load(stores: OpenedStores, inventory: Assets, scope: Scope) -> SeedReport:
    make_table(stores.assets, scope)
    make_schema(stores.graph, scope)
    graph_ns = _timed(lambda: _write_graph(stores, inventory, scope))
    dynamodb_ns = _timed(lambda: _write_items(stores, inventory, scope))
    flushed = stores.cache.remove_all(f"{CACHE_PREFIX}:*", scope)
    totals = scope.tally.totals()
    return SeedReport(
        assets=len(inventory),
        risks=sum(len(bundle.risks) for bundle in inventory),
        technologies=sum(len(bundle.technologies) for bundle in inventory),
        relationships=sum(len(bundle.relationships) for bundle in inventory),
        dynamodb_calls=totals["dynamodb.calls"],
        graph_calls=totals["neo4j.calls"],
        flushed_keys=flushed,
        graph_ns=graph_ns,
        dynamodb_ns=dynamodb_ns,
    )


def _write_graph(stores: OpenedStores, inventory: Iterable[Bundle], scope: Scope) -> None:
    for bundles in _chunks(inventory, CHUNK):
        write_nodes(stores.graph, bundles, scope)
    for bundles in _chunks(inventory, CHUNK):
        write_links(stores.graph, bundles, scope)


def _write_items(stores: OpenedStores, inventory: Iterable[Bundle], scope: Scope) -> None:
    for bundles in _chunks(inventory, CHUNK):
        report = stores.assets.write(bundles, scope, batched=True)
        if report.unwritten:
            key, reason = next(iter(report.unwritten.items()))
            raise StoreError(
                f"{len(report.unwritten)} items were not written, the first {key}: {reason}",
                where=DYNAMODB,
                remedy="Seed again: what is there is not harmed",
            )


def _chunks(items: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def _timed(work: Callable[[], None]) -> int:
    began_ns = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began_ns
