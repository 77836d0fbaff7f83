"""Stores inside the process: the same protocols, with seeded latencies that yield."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

from targets.asset_core.gate import Gate
from targets.asset_core.model import RELATIONSHIP_LIMIT, Asset, Bundle, Relationship, Risk, Technology
from targets.asset_core.profiles import Profile
from targets.asset_core.scope import Scope
from targets.asset_core.stores.batch_writer import WriteReport, write_items
from targets.asset_core.stores.dynamo_reads import BATCH_GET_SIZE
from targets.asset_core.stores.memory_line import Latency, Line
from targets.asset_core.stores.memory_world import Data
from targets.asset_core.stores.names import DYNAMODB, NEO4J, REDIS
from targets.asset_core.stores.write_queue import Write

CACHE_SHARE = 1 / 40
"""Latency of Redis as a share of the databases' latency."""


class World(Data):
    """The data of all memory stores of a process, and the latency of each store."""

    def __init__(self, bundles: Iterable[Bundle], latency_s: float = 0.0, seed: int = 1) -> None:
        super().__init__(bundles)
        self.listeners: list[tuple[MemoryCache, Callable[[Sequence[str]], None]]] = []
        self.latencies = {
            DYNAMODB: Latency(latency_s, f"{seed}/{DYNAMODB}"),
            NEO4J: Latency(latency_s, f"{seed}/{NEO4J}"),
            REDIS: Latency(latency_s * CACHE_SHARE, f"{seed}/{REDIS}"),
        }

    def __call__(self, profile: Profile, *, pooling: bool) -> "MemoryStores":
        """Return new stores over this data."""
        return MemoryStores(
            assets=MemoryAssets(
                self, _line(self, DYNAMODB, profile.dynamo.hard_limit, profile.dynamo.call_s, pooling=pooling)
            ),
            graph=MemoryGraph(
                self, _line(self, NEO4J, profile.graph.pool_size, profile.graph.acquire_s, pooling=pooling)
            ),
            cache=MemoryCache(
                self, _line(self, REDIS, profile.redis.pool_size, profile.redis.wait_s, pooling=pooling)
            ),
        )


class _Base:
    def __init__(self, world: World, line: Line) -> None:
        self._world = world
        self._line = line
        self.ping = line.ping
        self.pool = line.pool
        self.close = line.close


class MemoryAssets(_Base):
    """Assets and technologies."""

    def get_asset(self, tenant: str, asset_id: str, scope: Scope) -> Asset | None:
        """Return the asset, or None."""
        self._line.call(scope)
        asset = self._world.asset((tenant, asset_id))
        scope.tally.add("dynamodb.items", int(asset is not None))
        return asset

    def get_assets(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, Asset]:
        """Return the assets that exist, by id, 100 a call."""
        found: dict[str, Asset] = {}
        wanted = list(dict.fromkeys(asset_ids))
        for start in range(0, len(wanted), BATCH_GET_SIZE):
            self._line.call(scope)
            for asset_id in wanted[start : start + BATCH_GET_SIZE]:
                asset = self._world.asset((tenant, asset_id))
                if asset is not None:
                    found[asset_id] = asset
        scope.tally.add("dynamodb.items", len(found))
        return found

    def get_technologies(self, tenant: str, asset_id: str, scope: Scope) -> list[Technology]:
        """Return its technologies by name."""
        self._line.call(scope)
        identity = (tenant, asset_id)
        technologies = self._world.technologies_of(identity)
        # DynamoDB returns all items of the asset, including its `META`.
        scope.tally.add("dynamodb.items", len(technologies) + int(self._world.asset(identity) is not None))
        return technologies

    def get_technology_names(
        self, tenant: str, asset_ids: Sequence[str], scope: Scope
    ) -> dict[str, tuple[str, ...]]:
        """Return the names of the technologies of the assets that exist, 100 a call."""
        return {
            asset_id: tuple(found.name for found in self._world.technologies_of((tenant, asset_id)))
            for asset_id in self.get_assets(tenant, asset_ids, scope)
        }

    def write(
        self,
        bundles: Sequence[Bundle],
        scope: Scope,
        *,
        batched: bool,
        gone: Iterable[tuple[str, str, str]] = (),
    ) -> WriteReport:
        """Put all of `bundles` and delete the technologies (tenant, id, name) in `gone`."""
        return write_items(self, bundles, scope, batched=batched, gone=gone)

    def write_many(self, writes: Sequence[Write], scope: Scope) -> list[Write]:
        """Make one call with several writes; all are processed."""
        self._line.call(scope)
        for write in writes:
            self._world.apply(write)
        return []

    def write_one(self, write: Write, scope: Scope) -> None:
        """Put or delete one item."""
        self.write_many([write], scope)


class MemoryGraph(_Base):
    """Risks and relationships."""

    def get_risks(self, tenant: str, asset_id: str, scope: Scope) -> list[Risk]:
        """Return its risks, the most severe first, then by id."""
        self._line.call(scope)
        risks = sorted(self._world.risks.of((tenant, asset_id)), key=_by_gravity)
        scope.tally.add("neo4j.rows", len(risks))
        return risks

    def get_risks_and_exposure(
        self, tenant: str, asset_id: str, scope: Scope
    ) -> tuple[list[Risk], float | None]:
        """Return its risks, the most severe first, then by id, and its exposure if it has one."""
        self._line.call(scope)
        identity = (tenant, asset_id)
        risks = sorted(self._world.risks.of(identity), key=_by_gravity)
        # An asset without risks is still one row of the graph's response.
        scope.tally.add("neo4j.rows", len(risks) or int(self._world.asset(identity) is not None))
        return risks, self._world.exposures.get(identity)

    def get_risks_of(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, list[Risk]]:
        """Return the risks of several assets in one query."""
        self._line.call(scope)
        found = {
            asset_id: sorted(self._world.risks.of((tenant, asset_id)), key=_by_gravity)
            for asset_id in asset_ids
        }
        scope.tally.add("neo4j.rows", sum(map(len, found.values())))
        return {asset_id: risks for asset_id, risks in found.items() if risks}

    def get_relationships(self, tenant: str, asset_id: str, scope: Scope) -> tuple[list[Relationship], bool]:
        """Return at most 1,000 relationships by kind and target, and True if there are more."""
        self._line.call(scope)
        found = self._world.links_of((tenant, asset_id))
        scope.tally.add("neo4j.rows", min(len(found), RELATIONSHIP_LIMIT + 1))
        return found[:RELATIONSHIP_LIMIT], len(found) > RELATIONSHIP_LIMIT

    def get_links_of(
        self, tenant: str, asset_ids: Sequence[str], limit: int, scope: Scope
    ) -> dict[str, list[Relationship]]:
        """Return the relationships of several assets in one query, by asset, kind and target, `limit` in total."""
        self._line.call(scope)
        found: dict[str, list[Relationship]] = {}
        left = limit
        for asset_id in sorted(set(asset_ids)):
            links = self._world.links_of((tenant, asset_id))[:left]
            left -= len(links)
            if links:
                found[asset_id] = links
        scope.tally.add("neo4j.rows", limit - left)
        return found

    def get_exposures(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, float]:
        """Return the exposure of the assets that have one."""
        self._line.call(scope)
        all_exposures = self._world.exposures
        return {
            asset_id: all_exposures[tenant, asset_id]
            for asset_id in asset_ids
            if (tenant, asset_id) in all_exposures
        }

    def upsert(self, bundles: Sequence[Bundle], scope: Scope) -> None:
        """Upsert assets, risks and relationships, in as many calls as the graph would need."""
        for _ in range(_queries_of(bundles)):
            self._line.call(scope)
        for bundle in bundles:
            identity = bundle.asset.tenant, bundle.asset.id
            self._world.risks.put(identity, bundle.risks)
            self._world.links.put(identity, bundle.relationships)

    def upsert_risks(self, tenant: str, risks: Mapping[str, Sequence[Risk]], scope: Scope) -> None:
        """Upsert risks of existing assets."""
        if any(risks.values()):
            self._line.call(scope)
        for asset_id, found in risks.items():
            self._world.risks.put((tenant, asset_id), found)

    def set_exposures(self, tenant: str, exposures: Mapping[str, float], scope: Scope) -> None:
        """Store the exposure of existing assets."""
        if exposures:
            self._line.call(scope)
        for asset_id, exposure in exposures.items():
            self._world.exposures[tenant, asset_id] = exposure


class MemoryCache(_Base):
    """Bytes by key."""

    def get(self, key: str, scope: Scope) -> bytes | None:
        """Return the value, or None."""
        self._line.call(scope)
        expires_s, kept = self._world.values.get(key, (0.0, None))
        value = kept if scope.now_s() < expires_s else None
        scope.tally.add("redis.bytes_in", len(value or b""))
        return value

    def put(self, key: str, value: bytes, ttl_s: float, scope: Scope) -> None:
        """Store a value for `ttl_s` seconds."""
        self._line.call(scope)
        self._world.values[key] = (scope.now_s() + ttl_s, value)
        scope.tally.add("redis.bytes_out", len(value))

    def remove(self, keys: Sequence[str], scope: Scope) -> None:
        """Remove keys."""
        self._line.call(scope)
        for key in keys:
            self._world.values.pop(key, None)

    def announce(self, keys: Sequence[str], scope: Scope) -> None:
        """Forget keys and notify all other listening stores over the same data."""
        self.remove(keys, scope)
        for listener, on_keys in list(self._world.listeners):
            if listener is not self:
                on_keys(keys)

    def listen(
        self,
        on_keys: Callable[[Sequence[str]], None],
        on_gap: Callable[[], None],
        on_loss: Callable[[], None],  # noqa: ARG002 (part of the protocol)
    ) -> Callable[[], None]:
        """Listen to announcements of other stores over the same data; none is ever missed."""
        entry = (self, on_keys)
        self._world.listeners.append(entry)
        on_gap()
        return lambda: self._world.listeners.remove(entry)


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryStores:
    """The three stores over one world."""

    assets: MemoryAssets
    graph: MemoryGraph
    cache: MemoryCache


def _line(world: World, name: str, size: int | None, wait_s: float, *, pooling: bool) -> Line:
    gate = Gate(name, size if pooling else None, wait_s)
    return Line(name, gate, world.latencies[name], pooling=pooling)


def _queries_of(bundles: Sequence[Bundle]) -> int:
    """Return the number of graph queries: assets, risks, far ends, and one for each kind of relationship."""
    written = {(bundle.asset.tenant, bundle.asset.id) for bundle in bundles}
    links = [(bundle.asset.tenant, link) for bundle in bundles for link in bundle.relationships]
    places = {(tenant, link.target) for tenant, link in links} - written
    kinds = {link.kind for _, link in links}
    risks = any(bundle.risks for bundle in bundles)
    return bool(bundles) + risks + bool(places) + len(kinds)


def _by_gravity(risk: Risk) -> tuple[float, str]:
    return -risk.cvss, risk.id
