"""Upsert into the graph: a constant number of round trips for a batch of any content."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from targets.asset_core.model import Bundle, Risk
from targets.asset_core.scope import Scope
from targets.asset_core.stores import graph_queries as queries

Row = dict[str, Any]


class RunsQueries(Protocol):
    """The part of the graph store that a writer needs."""

    def run(
        self, text: str, parameters: Mapping[str, Any], scope: Scope, *, write: bool = ...
    ) -> list[dict[str, Any]]:
        """Run one query."""


def make_schema(graph: RunsQueries, scope: Scope) -> None:
    """Create the unique constraints, which provide the indexes of every lookup; harmless when they exist."""
    for statement in queries.SCHEMA:
        graph.run(statement, {}, scope, write=True)


def write_nodes(graph: RunsQueries, bundles: Sequence[Bundle], scope: Scope) -> None:
    """Upsert assets with their risks."""
    _write(graph, queries.UPSERT_ASSETS, [_asset_row(bundle) for bundle in bundles], scope)
    rows = [
        row for bundle in bundles for row in _risk_rows(bundle.asset.tenant, bundle.asset.id, bundle.risks)
    ]
    _write(graph, queries.UPSERT_RISKS, rows, scope)


def write_places(graph: RunsQueries, bundles: Sequence[Bundle], scope: Scope) -> None:
    """Make a node for each missing end of a relationship, so that no relationship is lost."""
    written = {(bundle.asset.tenant, bundle.asset.id) for bundle in bundles}
    types = {
        (bundle.asset.tenant, relationship.target): relationship.target_type
        for bundle in bundles
        for relationship in bundle.relationships
    }
    rows = [
        {"tenant": tenant, "id": target, "type": types[tenant, target]}
        for tenant, target in sorted(types.keys() - written)
    ]
    _write(graph, queries.PLACE_ASSETS, rows, scope)


def write_links(graph: RunsQueries, bundles: Sequence[Bundle], scope: Scope) -> None:
    """Upsert relationships between existing assets, so after all nodes. Raises KeyError for an unknown kind."""
    by_kind: dict[str, list[Row]] = {}
    for bundle in bundles:
        for relationship in bundle.relationships:
            row = {"tenant": bundle.asset.tenant, "source": bundle.asset.id, "target": relationship.target}
            by_kind.setdefault(relationship.kind, []).append(row)
    for kind, rows in sorted(by_kind.items()):
        _write(graph, queries.UPSERT_LINKS[kind], rows, scope)


def write_risks(graph: RunsQueries, tenant: str, risks: Mapping[str, Sequence[Risk]], scope: Scope) -> None:
    """Upsert risks by the id of their asset."""
    rows = [row for asset_id, found in risks.items() for row in _risk_rows(tenant, asset_id, found)]
    _write(graph, queries.UPSERT_RISKS, rows, scope)


def write_exposures(graph: RunsQueries, tenant: str, exposures: Mapping[str, float], scope: Scope) -> None:
    """Store exposures by the id of their asset."""
    rows = [
        {"tenant": tenant, "id": asset_id, "exposure": exposure} for asset_id, exposure in exposures.items()
    ]
    _write(graph, queries.SET_EXPOSURES, rows, scope)


def _write(graph: RunsQueries, text: str, rows: list[Row], scope: Scope) -> None:
    if rows:
        graph.run(text, {"rows": rows}, scope, write=True)


def _asset_row(bundle: Bundle) -> Row:
    asset = bundle.asset
    return {"tenant": asset.tenant, "id": asset.id, "type": asset.type, "name": asset.name}


def _risk_rows(tenant: str, asset_id: str, risks: Iterable[Risk]) -> Iterator[Row]:
    for risk in risks:
        yield msgspec.structs.asdict(risk) | {"tenant": tenant, "asset": asset_id}
