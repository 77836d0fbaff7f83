"""Write many items: 25 a call, unprocessed ones again with full-jitter back-off; every item is reported."""

import dataclasses
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from targets.asset_core.errors import CoreError
from targets.asset_core.keys import partition_key, technology_key
from targets.asset_core.model import Bundle
from targets.asset_core.scope import Scope
from targets.asset_core.stores.back_off import BackOff
from targets.asset_core.stores.dynamo_items import Item, items_of, key_of
from targets.asset_core.stores.write_queue import Key, Write, WriteQueue

BATCH_SIZE = 25


@dataclasses.dataclass(frozen=True, slots=True)
class WriteReport:
    """The result of writing: `unwritten` maps (pk, sk) to the reason; `duration_ns` spans all calls."""

    written: int
    unwritten: dict[Key, str]
    calls: int
    duration_ns: int


class TakesWrites(Protocol):
    """The part of an asset store that a writer needs."""

    def write_many(self, writes: Sequence[Write], scope: Scope) -> list[Write]:
        """Make one call with at most 25 writes and return the unprocessed ones."""

    def write_one(self, write: Write, scope: Scope) -> None:
        """Make one call with one write."""


def write_items(
    store: TakesWrites,
    bundles: Sequence[Bundle],
    scope: Scope,
    *,
    batched: bool,
    gone: Iterable[tuple[str, str, str]],
) -> WriteReport:
    """Put all items of `bundles` and delete the technologies (tenant, id, name) in `gone`."""
    items = [item for bundle in bundles for item in items_of(bundle)]
    keys = [(partition_key(tenant, asset_id), technology_key(name)) for tenant, asset_id, name in gone]
    return (write_batches if batched else write_singly)(store, items, scope, gone=keys)


def write_batches(
    store: TakesWrites,
    items: Iterable[Item],
    scope: Scope,
    *,
    gone: Iterable[Key] = (),
    rng: random.Random | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> WriteReport:
    """Put `items` and delete those in `gone`, the last with the same key, in as few calls as the order allows.

    `META` items wait until the rest of their asset is written: many assets take ceil(items / 25) calls, few at most
    one more. A failure of the store is reported, never raised.
    """
    began_ns = time.perf_counter_ns()
    queue = WriteQueue(_writes(items, gone))
    writer = _Writer(store, queue, scope, BackOff(scope, sleep, (rng or random).uniform))
    while batch := queue.take(BATCH_SIZE):
        writer.put(batch)
    return _report(queue, writer.calls, began_ns)


def write_singly(
    store: TakesWrites, items: Iterable[Item], scope: Scope, *, gone: Iterable[Key] = ()
) -> WriteReport:
    """Do the same one by one, as without batches."""
    began_ns = time.perf_counter_ns()
    queue, calls = WriteQueue(_writes(items, gone)), 0
    while batch := queue.take(1):
        calls += 1
        try:
            store.write_one(batch[0], scope)
        except CoreError as error:
            queue.fail(batch, str(error))
        else:
            queue.done(batch)
    return _report(queue, calls, began_ns)


class _Writer:
    def __init__(self, store: TakesWrites, queue: WriteQueue, scope: Scope, back_off: BackOff) -> None:
        self._store = store
        self._queue = queue
        self._scope = scope
        self._back_off = back_off
        self.calls = 0

    def put(self, batch: list[Write]) -> None:
        """Put one batch; unprocessed items are tried again after a pause, a failed call is given up."""
        self.calls += 1
        try:
            unprocessed = self._store.write_many(batch, self._scope)
        except CoreError as error:
            self._queue.fail(batch, str(error))
            return
        left = {write.key for write in unprocessed}
        self._queue.done(write for write in batch if write.key not in left)
        if not unprocessed:
            self._back_off.reset()
        elif self._back_off.pause():
            self._queue.again(unprocessed)
        else:
            self._queue.fail(unprocessed, "still unprocessed at the deadline")


def _writes(items: Iterable[Item], gone: Iterable[Key]) -> list[Write]:
    return [*(Write(key, None) for key in gone), *(Write(key_of(item), item) for item in items)]


def _report(queue: WriteQueue, calls: int, began_ns: int) -> WriteReport:
    written = queue.total - len(queue.unwritten)
    return WriteReport(written, queue.unwritten, calls, time.perf_counter_ns() - began_ns)
