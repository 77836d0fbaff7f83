"""Assets and technologies in DynamoDB: one table, eventually consistent reads, pagination followed."""

from collections.abc import Callable, Sequence
from typing import Any

from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.gate import Gate, PoolView
from targets.asset_core.keys import META_KEY, TECHNOLOGY_PREFIX, partition_key
from targets.asset_core.model import Asset, Bundle, Technology
from targets.asset_core.profiles import DynamoLimits
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.batch_writer import WriteReport, write_batches, write_singly
from targets.asset_core.stores.current import CurrentCall
from targets.asset_core.stores.dynamo_client import make_client
from targets.asset_core.stores.dynamo_items import items_of, read_asset, read_technology
from targets.asset_core.stores.names import DYNAMODB

PROBE_KEY = {"pk": {"S": "PROBE"}, "sk": {"S": "PROBE"}}


class DynamoAssets:
    """See `AssetStore`; also writes whole bundles."""

    def __init__(self, settings: StoreSettings, limits: DynamoLimits, *, pooling: bool) -> None:
        self.table = settings.table
        self._limits = limits
        self._current = CurrentCall()
        self._gate = Gate(DYNAMODB, limits.hard_limit if pooling else None, limits.call_s)
        self.client = make_client(settings, limits, self._current, pooling=pooling)

    def get_asset(self, tenant: str, asset_id: str, scope: Scope) -> Asset | None:
        """Return the asset, or None."""
        key = {"pk": {"S": partition_key(tenant, asset_id)}, "sk": {"S": META_KEY}}
        answer = self.call(self.client.get_item, scope, TableName=self.table, Key=key)
        item = answer.get("Item")
        scope.tally.add("dynamodb.items", int(item is not None))
        return None if item is None else read_asset(item)

    def get_technologies(self, tenant: str, asset_id: str, scope: Scope) -> list[Technology]:
        """Return its technologies by name."""
        query: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :technology)",
            "ExpressionAttributeValues": {
                ":pk": {"S": partition_key(tenant, asset_id)},
                ":technology": {"S": TECHNOLOGY_PREFIX},
            },
        }
        items: list[Any] = []
        while True:
            page = self.call(self.client.query, scope, **query)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        scope.tally.add("dynamodb.items", len(items))
        return sorted(map(read_technology, items), key=_by_name)

    def write(self, bundles: Sequence[Bundle], scope: Scope, *, batched: bool) -> WriteReport:
        """Put all items of `bundles`; what is still unwritten at the deadline is reported by key."""
        items = [item for bundle in bundles for item in items_of(bundle)]
        return (write_batches if batched else write_singly)(self, items, scope)

    def ping(self, scope: Scope) -> None:
        """Read a key that does not exist: it needs the table, and no more rights than reading does."""
        self.call(self.client.get_item, scope, counter="pings", TableName=self.table, Key=PROBE_KEY)

    def pool(self) -> PoolView:
        """Return the state of the pool."""
        return self._gate.view()

    def close(self) -> None:
        """Close all idle connections."""
        self.client.close()

    def call(
        self, method: Callable[..., Any], scope: Scope, *, counter: str = "calls", **arguments: Any
    ) -> Any:
        """Make one call within the limits, counted. StoreError, DeadlineError."""
        from botocore.exceptions import BotoCoreError, ClientError

        scope.check()
        try:
            with self._gate.passing(scope), self._current.bounded(scope, self._limits.call_s):
                scope.tally.add(f"{DYNAMODB}.{counter}")
                answer = method(**arguments)
        except (BotoCoreError, ClientError) as error:
            if scope.remaining_s() <= 0:
                raise DeadlineError("the request's time ran out", where=DYNAMODB) from error
            raise StoreError(f"{type(error).__name__}: {error}", where=DYNAMODB) from error
        scope.tally.add("dynamodb.bytes_in", _length(answer))
        return answer


def _length(answer: Any) -> int:
    try:
        return int(answer["ResponseMetadata"]["HTTPHeaders"]["content-length"])
    except (KeyError, ValueError):
        return 0


def _by_name(technology: Technology) -> str:
    return technology.name
