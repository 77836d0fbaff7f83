"""What the core asks of its stores. Each call takes a scope: it ends by its deadline and is counted in its tally.

Counters: `STORE.calls`; `STORE.round_trips`, more than the calls where an answer comes in pages or a client tries
again; `dynamodb.items`, `neo4j.rows`, and `STORE.bytes_in` and `STORE.bytes_out` where cheap. A ping is none of these:
health is checked by the clock, and counted as `STORE.pings` alone. Each failure is a StoreError with the store's name,
or a DeadlineError.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from targets.asset_core.gate import PoolView
from targets.asset_core.model import Asset, Bundle, Relationship, Risk, Technology
from targets.asset_core.profiles import Profile
from targets.asset_core.scope import Scope
from targets.asset_core.stores.batch_writer import WriteReport


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
        """Put assets with their technologies, `META` last, and delete the technologies (tenant, id, name) `gone`.

        Never raises for a failure of the store: what is not written is in the report.
        """


class GraphStore(Store, Protocol):
    """Risks and relationships (Neo4j)."""

    def get_risks(self, tenant: str, asset_id: str, scope: Scope) -> list[Risk]:
        """Return its risks, the gravest first, then by id."""

    def get_risks_and_exposure(
        self, tenant: str, asset_id: str, scope: Scope
    ) -> tuple[list[Risk], float | None]:
        """Return its risks as `get_risks` does, and its exposure if it has one, in one query."""

    def get_relationships(self, tenant: str, asset_id: str, scope: Scope) -> tuple[list[Relationship], bool]:
        """Return at most 1,000 relationships by kind and target, and whether there are more."""

    def get_risks_of(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, list[Risk]]:
        """Return the risks of several assets in one query; an asset without any is left out."""

    def get_links_of(
        self, tenant: str, asset_ids: Sequence[str], limit: int, scope: Scope
    ) -> dict[str, list[Relationship]]:
        """Return the relationships of several assets in one query, by asset, kind and target, `limit` in all."""

    def get_exposures(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, float]:
        """Return the exposure of the assets that have one."""

    def upsert(self, bundles: Sequence[Bundle], scope: Scope) -> None:
        """Upsert assets, risks and relationships in a constant number of queries; nothing is removed or erased."""

    def upsert_risks(self, tenant: str, risks: Mapping[str, Sequence[Risk]], scope: Scope) -> None:
        """Upsert risks of assets that exist, in one query."""

    def set_exposures(self, tenant: str, exposures: Mapping[str, float], scope: Scope) -> None:
        """Note the exposure of assets that exist, in one query."""


class ByteCache(Store, Protocol):
    """Bytes by key with a time to live (Redis)."""

    def get(self, key: str, scope: Scope) -> bytes | None:
        """Return the value, or None."""

    def put(self, key: str, value: bytes, ttl_s: float, scope: Scope) -> None:
        """Keep a value for `ttl_s` seconds."""

    def remove(self, keys: Sequence[str], scope: Scope) -> None:
        """Forget keys, in one call."""

    def announce(self, keys: Sequence[str], scope: Scope) -> None:
        """Forget keys and tell all others who listen, in one call."""

    def listen(
        self,
        on_keys: Callable[[Sequence[str]], None],
        on_gap: Callable[[], None],
        on_loss: Callable[[], None],
    ) -> Callable[[], None]:
        """Hear the keys that others announce until the function that is returned is called.

        `on_loss` is called when others are heard no more; `on_gap` when they are heard again, and announcements may
        have been missed: when listening has begun, and after a failure. All are called from another thread.
        """


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
