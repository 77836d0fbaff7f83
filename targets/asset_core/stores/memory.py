"""Stores inside the process: the same protocols, with seeded latencies that really yield."""

import dataclasses
import math
import random
import threading
import time
from collections.abc import Iterable

from targets.asset_core.gate import Gate, PoolView
from targets.asset_core.model import RELATIONSHIP_LIMIT, Asset, Bundle, Relationship, Risk, Technology
from targets.asset_core.profiles import Profile
from targets.asset_core.scope import Scope
from targets.asset_core.stores.names import DYNAMODB, NEO4J, REDIS

CACHE_SHARE = 1 / 40
"""Redis answers in this part of the databases' time."""

CONNECT_ROUND_TRIPS = 2.0
"""What a new connection costs, in latencies of its store."""


class Latency:
    """Log-normal waiting times with a given median. `time.sleep` is what gevent replaces: greenlets yield in it."""

    def __init__(self, median_s: float, seed: str, sigma: float = 0.1) -> None:
        self._mu = math.log(median_s) if median_s > 0 else None
        self._sigma = sigma
        self._rng = random.Random(seed)
        self._lock = threading.Lock()

    def draw_s(self) -> float:
        """Return the next waiting time; 0 without latency."""
        if self._mu is None:
            return 0.0
        with self._lock:
            return self._rng.lognormvariate(self._mu, self._sigma)

    def wait(self, round_trips: float = 1.0) -> None:
        """Sleep as long as an answer takes; without latency not at all."""
        delay_s = self.draw_s() * round_trips
        if delay_s > 0:
            time.sleep(delay_s)


class World:
    """The data behind all memory stores of a process: it outlives the stores, as servers outlive connections."""

    def __init__(self, bundles: Iterable[Bundle], latency_s: float = 0.0, seed: int = 1) -> None:
        self.bundles = {(bundle.asset.tenant, bundle.asset.id): bundle for bundle in bundles}
        self.values: dict[str, tuple[float, bytes]] = {}
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


class Line:
    """The way to one store: its pool, its latency, its counters."""

    def __init__(self, name: str, gate: Gate, latency: Latency, *, pooling: bool) -> None:
        self._name = name
        self._gate = gate
        self._latency = latency
        self._round_trips = 1.0 if pooling else 1.0 + CONNECT_ROUND_TRIPS

    def call(self, scope: Scope) -> None:
        """Take a connection, wait as long as an answer takes, count the call."""
        scope.check()
        with self._gate.passing(scope):
            scope.tally.add(self._name + ".calls")
            self._latency.wait(self._round_trips)

    def ping(self, scope: Scope) -> None:
        """Wait as long as an answer takes."""
        with self._gate.passing(scope):
            scope.tally.add(self._name + ".pings")
            self._latency.wait(self._round_trips)

    def pool(self) -> PoolView:
        """Return the state of the pool."""
        return self._gate.view()

    def close(self) -> None:
        """Nothing is held."""


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
        bundle = self._world.bundles.get((tenant, asset_id))
        scope.tally.add("dynamodb.items", int(bundle is not None))
        return bundle.asset if bundle is not None else None

    def get_technologies(self, tenant: str, asset_id: str, scope: Scope) -> list[Technology]:
        """Return its technologies by name."""
        self._line.call(scope)
        bundle = self._world.bundles.get((tenant, asset_id))
        technologies = sorted(bundle.technologies, key=_by_name) if bundle is not None else []
        scope.tally.add("dynamodb.items", len(technologies))
        return technologies


class MemoryGraph(_Base):
    """Risks and relationships."""

    def get_risks(self, tenant: str, asset_id: str, scope: Scope) -> list[Risk]:
        """Return its risks, the gravest first, then by id."""
        self._line.call(scope)
        bundle = self._world.bundles.get((tenant, asset_id))
        risks = sorted(bundle.risks, key=_by_gravity) if bundle is not None else []
        scope.tally.add("neo4j.rows", len(risks))
        return risks

    def get_relationships(self, tenant: str, asset_id: str, scope: Scope) -> tuple[list[Relationship], bool]:
        """Return at most 1,000 relationships by kind and target, and whether there are more."""
        self._line.call(scope)
        bundle = self._world.bundles.get((tenant, asset_id))
        found = sorted(bundle.relationships, key=_by_target) if bundle is not None else []
        scope.tally.add("neo4j.rows", min(len(found), RELATIONSHIP_LIMIT + 1))
        return found[:RELATIONSHIP_LIMIT], len(found) > RELATIONSHIP_LIMIT


class MemoryCache(_Base):
    """Bytes by key."""

    def get(self, key: str, scope: Scope) -> bytes | None:
        """Return the value, or None."""
        self._line.call(scope)
        expires_s, value = self._world.values.get(key, (0.0, None))
        return value if time.monotonic() < expires_s else None

    def put(self, key: str, value: bytes, ttl_s: float, scope: Scope) -> None:
        """Keep a value for `ttl_s` seconds."""
        self._line.call(scope)
        self._world.values[key] = (time.monotonic() + ttl_s, value)

    def remove(self, key: str, scope: Scope) -> None:
        """Forget a key."""
        self._line.call(scope)
        self._world.values.pop(key, None)


@dataclasses.dataclass(frozen=True, slots=True)
class MemoryStores:
    """The three stores over one world."""

    assets: MemoryAssets
    graph: MemoryGraph
    cache: MemoryCache


def _line(world: World, name: str, size: int | None, wait_s: float, *, pooling: bool) -> Line:
    gate = Gate(name, size if pooling else None, wait_s)
    return Line(name, gate, world.latencies[name], pooling=pooling)


def _by_name(technology: Technology) -> str:
    return technology.name


def _by_gravity(risk: Risk) -> tuple[float, str]:
    return -risk.cvss, risk.id


def _by_target(relationship: Relationship) -> tuple[str, str]:
    return relationship.kind, relationship.target
