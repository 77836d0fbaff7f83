"""Writes many items: 25 a call, unprocessed ones again with full-jitter back-off, nothing dropped silently."""

import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from targets.asset_core.errors import CoreError
from targets.asset_core.scope import Scope
from targets.asset_core.stores.dynamo_items import Item, key_of

BATCH_SIZE = 25
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class WriteReport:
    """`unwritten` holds (pk, sk) with the reason; `duration_ns` is measured around all calls."""

    written: int
    unwritten: dict[tuple[str, str], str]
    calls: int
    duration_ns: int


class Writes(Protocol):
    """The part of the asset store that a writer needs."""

    table: str
    client: Any

    def call(self, method: Callable[..., Any], scope: Scope, **arguments: Any) -> Any:
        """Make one call."""


def write_batches(
    store: Writes,
    items: Sequence[Item],
    scope: Scope,
    *,
    rng: random.Random | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> WriteReport:
    """Put `items`, the last of those with the same key, in as few calls as possible. Never raises for a store's failure."""
    began_ns = time.perf_counter_ns()
    writer = _Writer(store, scope, rng or random.Random(), sleep)
    waiting = list({key_of(item): item for item in items}.values())
    total = len(waiting)
    while waiting:
        waiting = writer.put(waiting[:BATCH_SIZE]) + waiting[BATCH_SIZE:]
    unwritten = writer.unwritten
    return WriteReport(total - len(unwritten), unwritten, writer.calls, time.perf_counter_ns() - began_ns)


def write_singly(store: Writes, items: Sequence[Item], scope: Scope) -> WriteReport:
    """Put `items` one by one: what batches save."""
    began_ns = time.perf_counter_ns()
    unwritten: dict[tuple[str, str], str] = {}
    for item in items:
        try:
            store.call(store.client.put_item, scope, TableName=store.table, Item=item)
        except CoreError as error:
            unwritten[key_of(item)] = str(error)
    written = len({key_of(item) for item in items}) - len(unwritten)
    return WriteReport(written, unwritten, len(items), time.perf_counter_ns() - began_ns)


class _Writer:
    def __init__(
        self, store: Writes, scope: Scope, rng: random.Random, sleep: Callable[[float], None]
    ) -> None:
        self._store = store
        self._scope = scope
        self._rng = rng
        self._sleep = sleep
        self._pause_s = FIRST_PAUSE_S
        self.calls = 0
        self.unwritten: dict[tuple[str, str], str] = {}

    def put(self, batch: list[Item]) -> list[Item]:
        """Put one batch and return what is to be tried again, after a pause; give up on all when the call fails."""
        try:
            unprocessed = self._put(batch)
        except CoreError as error:
            self._give_up(batch, str(error))
            return []
        if not unprocessed:
            self._pause_s = FIRST_PAUSE_S
            return []
        pause_s = self._rng.uniform(0.0, self._pause_s)
        if pause_s >= self._scope.remaining_s():
            self._give_up(unprocessed, "still unprocessed at the deadline")
            return []
        self._sleep(pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        return unprocessed

    def _put(self, batch: list[Item]) -> list[Item]:
        self.calls += 1
        table, client = self._store.table, self._store.client
        requests = {table: [{"PutRequest": {"Item": item}} for item in batch]}
        answer = self._store.call(client.batch_write_item, self._scope, RequestItems=requests)
        # Unprocessed items come in successful answers.
        return [
            request["PutRequest"]["Item"] for request in answer.get("UnprocessedItems", {}).get(table, [])
        ]

    def _give_up(self, batch: Sequence[Item], reason: str) -> None:
        self.unwritten.update((key_of(item), reason) for item in batch)
