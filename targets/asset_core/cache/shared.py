"""L2: entries in Redis. It never fails a request: an error is counted and treated as a miss."""

import itertools
import logging
import threading
from collections.abc import Sequence

from targets.asset_core.cache.breaker import Breaker
from targets.asset_core.cache.record import Record, pack, unpack
from targets.asset_core.errors import CoreError
from targets.asset_core.scope import Scope
from targets.asset_core.stores.protocols import ByteCache

LOG = logging.getLogger("asset_core.cache")
TTL_S = 900.0
OWED_LIMIT = 100_000
"""Largest number of keys remembered after a failed removal; Redis also expires each after its time to live."""

ANNOUNCED_AT_ONCE = 1_000


class SharedCache:
    """A byte cache with a breaker and the stored form."""

    def __init__(self, store: ByteCache, breaker: Breaker) -> None:
        self._store = store
        self._breaker = breaker
        self._owed: dict[str, object] = {}
        self._lock = threading.Lock()

    def get(self, key: str, scope: Scope) -> Record | None:
        """Return the record of a key, or None."""
        if not self._may_ask(scope):
            return None
        try:
            data = self._store.get(key, scope)
        except CoreError as error:
            self._failed(error, scope)
            return None
        self._breaker.succeed()
        record = None if data is None else unpack(data)
        if data is not None and record is None:
            scope.tally.add("cache.l2.corrupt")
        return record

    def put(self, key: str, fetched_at_s: float, body: bytes | None, ttl_s: float, scope: Scope) -> None:
        """Store a body, or the absence of an asset (None), for `ttl_s`."""
        if not self._may_ask(scope):
            return
        try:
            self._store.put(key, pack(fetched_at_s, body), ttl_s, scope)
        except CoreError as error:
            self._failed(error, scope)
        else:
            self._breaker.succeed()

    def remove(self, keys: Sequence[str], scope: Scope) -> None:
        """Forget keys, here and in every listening process.

        Keys whose removal fails in Redis are announced again, before anything else, as soon as Redis may be called.
        """
        if not self._may_ask(scope) or not self._announce(keys, scope):
            self._owe(keys)

    def settle(self, scope: Scope) -> None:
        """Announce pending removals, if there are any and Redis may be called."""
        if self._owed:
            self._may_ask(scope)

    def try_again(self) -> None:
        """Let the next caller try Redis, which is known to be back."""
        self._breaker.end_pause()

    def _may_ask(self, scope: Scope) -> bool:
        """Return whether Redis may be called now: the breaker allows it, and no removal is pending."""
        if not self._breaker.allow():
            scope.tally.add("cache.l2.skipped")
            return False
        while self._owed:
            with self._lock:
                owed = list(itertools.islice(self._owed.items(), ANNOUNCED_AT_ONCE))
            if owed and not self._announce([key for key, _ in owed], scope):
                return False
            self._paid(owed)
        return True

    def _announce(self, keys: Sequence[str], scope: Scope) -> bool:
        try:
            self._store.announce(keys, scope)
        except CoreError as error:
            self._failed(error, scope)
            return False
        self._breaker.succeed()
        return True

    def _paid(self, owed: Sequence[tuple[str, object]]) -> None:
        with self._lock:
            for key, debt in owed:
                # A key may have become pending again since.
                if self._owed.get(key) is debt:
                    del self._owed[key]

    def _owe(self, keys: Sequence[str]) -> None:
        debt = object()
        with self._lock:
            self._owed |= dict.fromkeys(keys, debt)
            while len(self._owed) > OWED_LIMIT:
                del self._owed[next(iter(self._owed))]

    def _failed(self, error: CoreError, scope: Scope) -> None:
        self._breaker.fail()
        scope.tally.add("cache.l2.errors")
        LOG.warning("the shared cache did not answer: %s", error)
