"""The interfaces of the stores. Each call takes a scope: it ends by its deadline and is counted in its tally.

Counters: `STORE.calls`; `STORE.round_trips`, more than the calls where a response comes in pages or a client
retries; `dynamodb.items`, `neo4j.rows`, and `STORE.bytes_in` and `STORE.bytes_out` where cheap. A ping is none of
these: health is checked at intervals, and counted as `STORE.pings` alone. Each failure is a StoreError with the
store's name, or a DeadlineError.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from targets.asset_core.gate import PoolView
from targets.asset_core.model import Asset, Bundle, Relationship, Risk, Technology
from targets.asset_core.profiles import Profile
from targets.asset_core.scope import Scope
from targets.asset_core.stores.batch_writer import WriteReport


class Store(Protocol):
    """The common operations of all stores."""

    def ping(self, scope: Scope) -> None:
        """Raise StoreError unless the store answers."""

    def pool(self) -> PoolView:
        """Return the state of the connection pool."""

    def close(self) -> None:
        """Close all connections."""


class AssetStore(Store, Protocol):
    """Assets and technologies (DynamoDB)."""

    def get_asset(self, tenant: str, asset_id: str, scope: Scope) -> Asset | None:
        """Return the asset, or None."""

    def get_technologies(self, tenant: str, asset_id: str, scope: Scope) -> list[Technology]:
        """Return its technologies by name."""

    def get_assets(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, Asset]:
        """Return the assets that exist, by id, 100 a call."""

    def get_technology_names(
        self, tenant: str, asset_ids: Sequence[str], scope: Scope
    ) -> dict[str, tuple[str, ...]]:
        """Return the names of the technologies of the assets that exist, 100 a call."""

    def write(
        self,
        bundles: Sequence[Bundle],
        scope: Scope,
        *,
        batched: bool,
        gone: Iterable[tuple[str, str, str]] = (),
    ) -> WriteReport:
        """Put assets with their technologies, `META` last, and delete the `gone` technologies (tenant, id, name).

        A failure of the store is never raised: unwritten items are in the report.
        """


class GraphStore(Store, Protocol):
    """Risks and relationships (Neo4j)."""

    def get_risks(self, tenant: str, asset_id: str, scope: Scope) -> list[Risk]:
        """Return its risks, the most severe first, then by id."""

    def get_risks_and_exposure(
        self, tenant: str, asset_id: str, scope: Scope
    ) -> tuple[list[Risk], float | None]:
        """Return its risks like `get_risks`, and its exposure if it has one, in one query."""

    def get_relationships(self, tenant: str, asset_id: str, scope: Scope) -> tuple[list[Relationship], bool]:
        """Return at most 1,000 relationships by kind and target, and True if there are more."""

    def get_risks_of(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, list[Risk]]:
        """Return the risks of several assets in one query; an asset without any is left out."""

    def get_links_of(
        self, tenant: str, asset_ids: Sequence[str], limit: int, scope: Scope
    ) -> dict[str, list[Relationship]]:
        """Return the relationships of several assets in one query, by asset, kind and target, `limit` in total."""

    def get_exposures(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, float]:
        """Return the exposure of the assets that have one."""

    def upsert(self, bundles: Sequence[Bundle], scope: Scope) -> None:
        """Upsert assets, risks and relationships in a constant number of queries; nothing is removed."""

    def upsert_risks(self, tenant: str, risks: Mapping[str, Sequence[Risk]], scope: Scope) -> None:
        """Upsert risks of existing assets, in one query."""

    def set_exposures(self, tenant: str, exposures: Mapping[str, float], scope: Scope) -> None:
        """Store the exposure of existing assets, in one query."""


class ByteCache(Store, Protocol):
    """Bytes by key with a time to live (Redis)."""

    def get(self, key: str, scope: Scope) -> bytes | None:
        """Return the value, or None."""

    def put(self, key: str, value: bytes, ttl_s: float, scope: Scope) -> None:
        """Store a value for `ttl_s` seconds."""

    def remove(self, keys: Sequence[str], scope: Scope) -> None:
        """Remove keys, in one call."""

    def announce(self, keys: Sequence[str], scope: Scope) -> None:
        """Forget keys and notify all other listeners, in one call."""

    def listen(
        self,
        on_keys: Callable[[Sequence[str]], None],
        on_gap: Callable[[], None],
        on_loss: Callable[[], None],
    ) -> Callable[[], None]:
        """Listen to others' announced keys until the returned function is called.

        Calls `on_loss` when the connection to others is lost, and `on_gap` when it is restored and announcements may have
        been missed: when listening has begun, and after a failure. All are called from another thread.
        """


class Stores(Protocol):
    """The three stores of one environment, opened with the limits of a profile."""

    @property
    def assets(self) -> AssetStore:
        """The store of assets (DynamoDB)."""

    @property
    def graph(self) -> GraphStore:
        """The store of risks and relationships (Neo4j)."""

    @property
    def cache(self) -> ByteCache:
        """The byte cache (Redis)."""


class OpenStores(Protocol):
    """Makes the stores; they connect on first use."""

    def __call__(self, profile: Profile, *, pooling: bool) -> Stores:
        """Return new stores. SettingsError if the settings cannot be used."""
