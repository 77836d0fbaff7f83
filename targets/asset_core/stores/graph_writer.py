"""Upserts into the graph: a constant number of round trips for a batch, whatever it holds."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from targets.asset_core.model import Bundle
from targets.asset_core.scope import Scope
from targets.asset_core.stores import graph_queries as queries
from targets.asset_core.stores.graph import BoltGraph

Row = dict[str, Any]


def make_schema(graph: BoltGraph, scope: Scope) -> None:
    """Create the unique constraints, which carry the indexes of every lookup; harmless when they exist."""
    for statement in queries.SCHEMA:
        graph.run(statement, {}, scope, write=True)


def write_nodes(graph: BoltGraph, bundles: Sequence[Bundle], scope: Scope) -> None:
    """Upsert assets with their risks."""
    _write(graph, queries.UPSERT_ASSETS, [_asset_row(bundle) for bundle in bundles], scope)
    _write(graph, queries.UPSERT_RISKS, [row for bundle in bundles for row in _risk_rows(bundle)], scope)


def write_links(graph: BoltGraph, bundles: Sequence[Bundle], scope: Scope) -> None:
    """Upsert relationships: between assets that exist, so after all nodes. KeyError for a kind that is not known."""
    by_kind: dict[str, list[Row]] = {}
    for bundle in bundles:
        for relationship in bundle.relationships:
            row = {"tenant": bundle.asset.tenant, "source": bundle.asset.id, "target": relationship.target}
            by_kind.setdefault(relationship.kind, []).append(row)
    for kind, rows in sorted(by_kind.items()):
        _write(graph, queries.UPSERT_LINKS[kind], rows, scope)


def _write(graph: BoltGraph, text: str, rows: list[Row], scope: Scope) -> None:
    if rows:
        graph.run(text, {"rows": rows}, scope, write=True)


def _asset_row(bundle: Bundle) -> Row:
    asset = bundle.asset
    return {"tenant": asset.tenant, "id": asset.id, "type": asset.type, "name": asset.name}


def _risk_rows(bundle: Bundle) -> Iterator[Row]:
    for risk in bundle.risks:
        yield msgspec.structs.asdict(risk) | {"tenant": bundle.asset.tenant, "asset": bundle.asset.id}
