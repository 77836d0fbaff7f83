"""Read many items by key: 100 a call, unprocessed keys again with full-jitter back-off until the deadline."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from targets.asset_core.errors import DeadlineError
from targets.asset_core.scope import Scope
from targets.asset_core.stores.back_off import BackOff
from targets.asset_core.stores.dynamo_items import Item
from targets.asset_core.stores.names import DYNAMODB

BATCH_GET_SIZE = 100


class Calls(Protocol):
    """The part of the DynamoDB store that a reader needs."""

    table: str
    client: Any

    def call(self, method: Callable[..., Any], scope: Scope, **arguments: Any) -> Any:
        """Make one call."""


def read_batches(
    store: Calls,
    keys: list[Item],
    attributes: Sequence[str],
    scope: Scope,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Item]:
    """Return the existing items of at most 100 different keys, in no order; all attributes if none are named.

    Raises StoreError, and DeadlineError for keys still unprocessed at the deadline.
    """
    items: list[Item] = []
    back_off = BackOff(scope, sleep, random.uniform)
    wanted = _with_attributes(keys, attributes)
    while True:
        answer = store.call(store.client.batch_get_item, scope, RequestItems={store.table: wanted})
        items += answer.get("Responses", {}).get(store.table, [])
        unprocessed = answer.get("UnprocessedKeys", {}).get(store.table, {}).get("Keys", [])
        if not unprocessed:
            return items
        wanted = _with_attributes(unprocessed, attributes)
        if not back_off.pause():
            raise DeadlineError("keys were still unprocessed at the deadline", where=DYNAMODB)


def _with_attributes(keys: list[Item], attributes: Sequence[str]) -> dict[str, Any]:
    if not attributes:
        return {"Keys": keys}
    names = {f"#{name}": name for name in attributes}
    return {"Keys": keys, "ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
