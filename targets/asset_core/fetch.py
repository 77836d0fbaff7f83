"""Fetch a whole asset by four queries (L3)."""

import functools

from targets.asset_core.executor import Executor
from targets.asset_core.model import FullAsset
from targets.asset_core.risk import risk_score
from targets.asset_core.scope import Scope
from targets.asset_core.stores.protocols import Stores
from targets.asset_core.tracing import Tracing


class Fetcher:
    """Query DynamoDB for the asset and its technologies, the graph for its risks and relationships."""

    def __init__(self, stores: Stores, executor: Executor, tracing: Tracing) -> None:
        self._queries = {
            "dynamodb.asset": stores.assets.get_asset,
            "neo4j.risks": stores.graph.get_risks_and_exposure,
            "dynamodb.technologies": stores.assets.get_technologies,
            "neo4j.relationships": stores.graph.get_relationships,
        }
        self._executor = executor
        self._tracing = tracing

    def __call__(self, tenant: str, asset_id: str, scope: Scope) -> FullAsset | None:
        """Return the whole asset, or None if it does not exist; raises StoreError if any of the four queries fails."""
        tasks = [
            self._tracing.carry(functools.partial(self._query, name, tenant, asset_id, scope))
            for name in self._queries
        ]
        asset, (risks, exposure), technologies, (relationships, truncated) = self._executor.run_all(
            tasks, scope
        )
        if asset is None:
            return None
        return FullAsset(
            asset=asset,
            risk_score=risk_score(risks),
            exposure=exposure,
            risks=risks,
            technologies=technologies,
            relationships=relationships,
            relationships_truncated=truncated,
        )

    def _query(self, name: str, tenant: str, asset_id: str, scope: Scope) -> object:
        with self._tracing.span(name):
            return self._queries[name](tenant, asset_id, scope)
