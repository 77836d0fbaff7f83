"""Open the three real stores with the limits of a profile. A client library is imported when its store is opened."""

import dataclasses

from targets.asset_core.profiles import Profile
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.dynamo import DynamoAssets
from targets.asset_core.stores.graph import BoltGraph
from targets.asset_core.stores.redis_cache import RedisCache


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedStores:
    """DynamoDB, the graph and Redis."""

    assets: DynamoAssets
    graph: BoltGraph
    cache: RedisCache


@dataclasses.dataclass(frozen=True, slots=True)
class ServerStores:
    """Open the stores of some settings."""

    settings: StoreSettings

    def __call__(self, profile: Profile, *, pooling: bool) -> OpenedStores:
        """Return new stores, not connected yet."""
        return OpenedStores(
            assets=DynamoAssets(self.settings, profile.dynamo, pooling=pooling),
            graph=BoltGraph(self.settings, profile.graph, pooling=pooling),
            cache=RedisCache(self.settings, profile.redis, pooling=pooling),
        )
