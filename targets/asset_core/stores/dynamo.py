"""Store assets and technologies in DynamoDB: one table, eventually consistent reads, all pages read."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.gate import Gate, PoolView
from targets.asset_core.keys import META_KEY, partition_key
from targets.asset_core.model import Asset, Bundle, Technology
from targets.asset_core.profiles import DynamoLimits
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.batch_writer import WriteReport, write_items
from targets.asset_core.stores.current import CurrentCall
from targets.asset_core.stores.dynamo_client import make_client
from targets.asset_core.stores.dynamo_items import TECHNOLOGIES, Item, read_asset, read_names, read_technology
from targets.asset_core.stores.dynamo_reads import BATCH_GET_SIZE, read_batches
from targets.asset_core.stores.names import DYNAMODB
from targets.asset_core.stores.write_queue import Key, Write

_CALLS = (f"{DYNAMODB}.calls", f"{DYNAMODB}.round_trips")
_FURTHER_PAGE = (f"{DYNAMODB}.round_trips",)
_PINGS = (f"{DYNAMODB}.pings",)
PROBE_KEY = {"pk": {"S": "PROBE"}, "sk": {"S": "PROBE"}}
_PART_NAMES = {f"#{name}": name for name in ("sk", "version", "vendor", "category", TECHNOLOGIES)}


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

    def get_assets(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> dict[str, Asset]:
        """Return the existing assets by id, 100 a call."""
        assets = map(read_asset, self._metas(tenant, asset_ids, scope))
        return {asset.id: asset for asset in assets}

    def get_technologies(self, tenant: str, asset_id: str, scope: Scope) -> list[Technology]:
        """Return its technologies by name: those listed in `META`, so that a partly written set is never returned."""
        query: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition_key(tenant, asset_id)}},
            "ProjectionExpression": ", ".join(_PART_NAMES),
            "ExpressionAttributeNames": _PART_NAMES,
        }
        page = self.call(self.client.query, scope, **query)
        items: list[Item] = page["Items"]
        while "LastEvaluatedKey" in page:
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
            page = self.call(self.client.query, scope, counters=_FURTHER_PAGE, **query)
            items += page["Items"]
        scope.tally.add("dynamodb.items", len(items))
        return _named_technologies(items)

    def get_technology_names(
        self, tenant: str, asset_ids: Sequence[str], scope: Scope
    ) -> dict[str, tuple[str, ...]]:
        """Return the names of the technologies of the existing assets, 100 a call."""
        items = self._metas(tenant, asset_ids, scope, ("id", TECHNOLOGIES))
        return {item["id"]["S"]: read_names(item) for item in items}

    def write(
        self,
        bundles: Sequence[Bundle],
        scope: Scope,
        *,
        batched: bool,
        gone: Iterable[tuple[str, str, str]] = (),
    ) -> WriteReport:
        """Put all items of `bundles` and delete the technologies (tenant, id, name) in `gone`.

        Items still unwritten at the deadline are reported by key.
        """
        return write_items(self, bundles, scope, batched=batched, gone=gone)

    def write_many(self, writes: Sequence[Write], scope: Scope) -> list[Write]:
        """Make one BatchWriteItem call and return its unprocessed writes, which come in successful responses."""
        by_key = {write.key: write for write in writes}
        requests = {self.table: [_request(write) for write in writes]}
        answer = self.call(self.client.batch_write_item, scope, RequestItems=requests)
        left = answer.get("UnprocessedItems", {}).get(self.table, [])
        return [by_key[_key_of_request(request)] for request in left]

    def write_one(self, write: Write, scope: Scope) -> None:
        """Put or delete one item."""
        if write.item is None:
            self.call(self.client.delete_item, scope, TableName=self.table, Key=_key(write.key))
        else:
            self.call(self.client.put_item, scope, TableName=self.table, Item=write.item)

    def ping(self, scope: Scope) -> None:
        """Read a key that does not exist: it requires the table, and no more rights than reading."""
        self.call(self.client.get_item, scope, counters=_PINGS, TableName=self.table, Key=PROBE_KEY)

    def pool(self) -> PoolView:
        """Return the state of the pool."""
        return self._gate.view()

    def close(self) -> None:
        """Close all idle connections."""
        self.client.close()

    def call(
        self, method: Callable[..., Any], scope: Scope, *, counters: Sequence[str] = _CALLS, **arguments: Any
    ) -> Any:
        """Make one call within the limits, counted under `counters`. Raises StoreError, DeadlineError."""
        from botocore.exceptions import BotoCoreError, ClientError

        scope.check()
        try:
            with self._gate.passing(scope), self._current.bounded(scope, self._limits.call_s):
                scope.tally.add_each(counters)
                answer = method(**arguments)
        except (BotoCoreError, ClientError) as error:
            if scope.remaining_s() <= 0:
                raise DeadlineError("the request's time ran out", where=DYNAMODB) from error
            raise StoreError(f"{type(error).__name__}: {error}", where=DYNAMODB) from error
        if counters is not _PINGS:
            _count_answer(answer, scope)
        return answer

    def _metas(
        self, tenant: str, asset_ids: Sequence[str], scope: Scope, attributes: Sequence[str] = ()
    ) -> Iterator[Item]:
        keys = [_key((partition_key(tenant, asset_id), META_KEY)) for asset_id in dict.fromkeys(asset_ids)]
        for start in range(0, len(keys), BATCH_GET_SIZE):
            items = read_batches(self, keys[start : start + BATCH_GET_SIZE], attributes, scope)
            scope.tally.add("dynamodb.items", len(items))
            yield from items


def _named_technologies(items: Sequence[Item]) -> list[Technology]:
    metas = [item for item in items if item["sk"]["S"] == META_KEY]
    if not metas:
        return []
    names = frozenset(read_names(metas[0]))
    parts = (read_technology(item) for item in items if item["sk"]["S"] != META_KEY)
    return sorted((technology for technology in parts if technology.name in names), key=_by_name)


def _key(key: Key) -> Item:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _request(write: Write) -> dict[str, Any]:
    if write.item is None:
        return {"DeleteRequest": {"Key": _key(write.key)}}
    return {"PutRequest": {"Item": write.item}}


def _key_of_request(request: dict[str, Any]) -> Key:
    found = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    return found["pk"]["S"], found["sk"]["S"]


def _count_answer(answer: Any, scope: Scope) -> None:
    facts = answer.get("ResponseMetadata", {})
    if tries_again := facts.get("RetryAttempts", 0):
        scope.tally.add("dynamodb.round_trips", tries_again)
    with contextlib.suppress(KeyError, ValueError):
        scope.tally.add("dynamodb.bytes_in", int(facts["HTTPHeaders"]["content-length"]))


def _by_name(technology: Technology) -> str:
    return technology.name
