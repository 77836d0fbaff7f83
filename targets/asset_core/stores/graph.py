"""Read and write risks and relationships in the graph, over Bolt."""

from collections.abc import Mapping, Sequence
from typing import Any

from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.gate import Gate, PoolView
from targets.asset_core.model import RELATIONSHIP_LIMIT, Bundle, Relationship, Risk
from targets.asset_core.profiles import GraphLimits
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores import graph_queries as queries
from targets.asset_core.stores import graph_writer as writer
from targets.asset_core.stores.current import CurrentCall
from targets.asset_core.stores.graph_driver import make_driver
from targets.asset_core.stores.graph_retries import with_retries
from targets.asset_core.stores.names import NEO4J

LONGEST_QUERY_S = 3600.0

Rows = list[dict[str, Any]]


class BoltGraph:
    """See `GraphStore`; `run` is for the writers, and `make_schema` for setting up the stores."""

    def __init__(self, settings: StoreSettings, limits: GraphLimits, *, pooling: bool) -> None:
        self._limits = limits
        self._database = settings.neo4j_database
        self._current = CurrentCall()
        self._gate = Gate(NEO4J, limits.pool_size if pooling else None, limits.acquire_s)
        self._driver = make_driver(settings, limits, self._current, pooling=pooling)

    def get_risks(self, tenant: str, asset_id: str, scope: Scope) -> list[Risk]:
        """Return its risks, the most severe first, then by id."""
        rows = self.run(queries.RISKS, {"tenant": tenant, "id": asset_id}, scope)
        return sorted((_made(Risk, row) for row in rows), key=_by_gravity)

    def get_risks_and_exposure(
        self, tenant: str, asset_id: str, scope: Scope
    ) -> tuple[list[Risk], float | None]:
        """Return its risks, the most severe first, then by id, and its exposure if it has one, in one query."""
        rows = self.run(queries.RISKS_AND_EXPOSURE, {"tenant": tenant, "id": asset_id}, scope)
        exposure = rows[0]["exposure"] if rows else None
        risks = [_made(Risk, row) for row in rows if row["id"] is not None]
        return sorted(risks, key=_by_gravity), exposure

    def get_relationships(self, tenant: str, asset_id: str, scope: Scope) -> tuple[list[Relationship], bool]:
        """Return at most 1,000 relationships by kind and target, and True if there are more."""
        rows = self.run(queries.RELATIONSHIPS, {"tenant": tenant, "id": asset_id}, scope)
        found = sorted((_made(Relationship, row) for row in rows), key=_by_target)
        return found[:RELATIONSHIP_LIMIT], len(found) > RELATIONSHIP_LIMIT

    def get_risks_of(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, list[Risk]]:
        """Return the risks of several assets in one query, the most severe first, then by id."""
        rows = self.run(queries.RISKS_OF, {"tenant": tenant, "ids": list(dict.fromkeys(asset_ids))}, scope)
        return {asset_id: sorted(risks, key=_by_gravity) for asset_id, risks in _grouped(Risk, rows).items()}

    def get_links_of(
        self, tenant: str, asset_ids: Sequence[str], limit: int, scope: Scope
    ) -> dict[str, list[Relationship]]:
        """Return the relationships of several assets in one query, by asset, kind and target, `limit` in total."""
        parameters = {"tenant": tenant, "ids": list(dict.fromkeys(asset_ids)), "limit": limit}
        return _grouped(Relationship, self.run(queries.LINKS_OF, parameters, scope))

    def get_exposures(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, float]:
        """Return the exposure of the assets that have one."""
        rows = self.run(queries.EXPOSURES_OF, {"tenant": tenant, "ids": list(asset_ids)}, scope)
        return {row["asset"]: row["exposure"] for row in rows}

    def upsert(self, bundles: Sequence[Bundle], scope: Scope) -> None:
        """Upsert assets, risks and relationships in a constant number of queries; nothing is removed."""
        writer.write_nodes(self, bundles, scope)
        writer.write_places(self, bundles, scope)
        writer.write_links(self, bundles, scope)

    def upsert_risks(self, tenant: str, risks: Mapping[str, Sequence[Risk]], scope: Scope) -> None:
        """Upsert risks of existing assets, in one query."""
        writer.write_risks(self, tenant, risks, scope)

    def set_exposures(self, tenant: str, exposures: Mapping[str, float], scope: Scope) -> None:
        """Store the exposure of existing assets, in one query."""
        writer.write_exposures(self, tenant, exposures, scope)

    def ping(self, scope: Scope) -> None:
        """Query a constant."""
        self.run(queries.PING, {}, scope, ping=True)

    def pool(self) -> PoolView:
        """Return the state of the pool."""
        return self._gate.view()

    def close(self) -> None:
        """Close all connections."""
        self._driver.close()

    def run(
        self,
        text: str,
        parameters: Mapping[str, Any],
        scope: Scope,
        *,
        ping: bool = False,
        write: bool = False,
    ) -> Rows:
        """Run one query in a transaction, retried within the limits, counted. Raises StoreError, DeadlineError."""
        from neo4j.exceptions import DriverError, Neo4jError

        scope.check()
        try:
            with self._gate.passing(scope), self._current.bounded(scope):
                scope.tally.add("neo4j.pings" if ping else "neo4j.calls")
                rows = with_retries(
                    lambda: self._execute(text, parameters, scope, ping=ping, write=write),
                    self._limits.retry_s,
                    scope,
                    merges=text in queries.MERGES,
                )
        except (Neo4jError, DriverError, OSError) as error:
            if scope.remaining_s() <= 0:
                raise DeadlineError("the request's time ran out", where=NEO4J) from error
            raise StoreError(f"{type(error).__name__}: {error}", where=NEO4J) from error
        if not ping:
            scope.tally.add("neo4j.rows", len(rows))
        return rows

    def _execute(
        self, text: str, parameters: Mapping[str, Any], scope: Scope, *, ping: bool, write: bool
    ) -> Rows:
        import neo4j

        def transform(result: Any) -> Rows:
            # This runs once for each attempt.
            scope.check()
            if not ping:
                scope.tally.add("neo4j.round_trips")
            return [record.data() for record in result]

        rows: Rows = self._driver.execute_query(
            neo4j.Query(text, timeout=self._current.allow(LONGEST_QUERY_S)),
            dict(parameters),
            routing_=neo4j.RoutingControl.WRITE if write else neo4j.RoutingControl.READ,
            database_=self._database,
            bookmark_manager_=None,
            result_transformer_=transform,
        )
        return rows


def _grouped(kind: Any, rows: Rows) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.pop("asset"), []).append(_made(kind, row))
    return groups


def _made(kind: Any, row: Mapping[str, Any]) -> Any:
    import msgspec

    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise StoreError(f"a row is malformed: {error}", where=NEO4J, remedy="Write it again") from error


def _by_gravity(risk: Risk) -> tuple[float, str]:
    return -risk.cvss, risk.id


def _by_target(relationship: Relationship) -> tuple[str, str]:
    return relationship.kind, relationship.target
