"""What the core asks of its stores. Each call takes a scope: it ends by its deadline and is counted in its tally.

Counters: `dynamodb.calls`, `dynamodb.items`, `neo4j.calls`, `neo4j.rows`, `redis.calls`, and `STORE.bytes_in` where
cheap. Each failure is a StoreError with the store's name, or a DeadlineError.
"""

from collections.abc import Sequence
from typing import Protocol

from targets.asset_core.gate import PoolView
from targets.asset_core.model import Asset, Bundle, Relationship, Risk, Technology
from targets.asset_core.profiles import Profile
from targets.asset_core.scope import Scope


class Store(Protocol):
    """What all stores can do."""

    def ping(self, scope: Scope) -> None:
        """Raise StoreError unless the store answers."""

    def pool(self) -> PoolView:
        """Return the state of the connection pool."""

    def close(self) -> None:
        """Give all connections back."""


class AssetStore(Store, Protocol):
    """Assets and technologies (DynamoDB)."""

    def get_asset(self, tenant: str, asset_id: str, scope: Scope) -> Asset | None:
        """Return the asset, or None."""

    def get_technologies(self, tenant: str, asset_id: str, scope: Scope) -> list[Technology]:
        """Return its technologies by name."""


class GraphStore(Store, Protocol):
    """Risks and relationships (Neo4j)."""

    def get_risks(self, tenant: str, asset_id: str, scope: Scope) -> list[Risk]:
        """Return its risks, the gravest first, then by id."""

    def get_relationships(self, tenant: str, asset_id: str, scope: Scope) -> tuple[list[Relationship], bool]:
        """Return at most 1,000 relationships by kind and target, and whether there are more."""


class ByteCache(Store, Protocol):
    """Bytes by key with a time to live (Redis)."""

    def get(self, key: str, scope: Scope) -> bytes | None:
        """Return the value, or None."""

    def put(self, key: str, value: bytes, ttl_s: float, scope: Scope) -> None:
        """Keep a value for `ttl_s` seconds."""

    def remove(self, key: str, scope: Scope) -> None:
        """Forget a key."""


class Loads(Protocol):
    """A store that takes whole assets."""

    def write(self, bundles: Sequence[Bundle], scope: Scope) -> None:
        """Upsert assets with what the store holds of them."""


class Stores(Protocol):
    """The three stores of one place, opened with the limits of a profile."""

    @property
    def assets(self) -> AssetStore:
        """DynamoDB."""

    @property
    def graph(self) -> GraphStore:
        """Neo4j."""

    @property
    def cache(self) -> ByteCache:
        """Redis."""


class OpenStores(Protocol):
    """Makes the stores; connections are made when first used."""

    def __call__(self, profile: Profile, *, pooling: bool) -> Stores:
        """Return new stores. SettingsError if they cannot even be described."""
