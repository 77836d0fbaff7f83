"""L2: entries in Redis. It never fails a request: an error is counted and answered as a miss."""

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
STALE_LIMIT = 100_000
"""How many keys that Redis failed to forget are remembered; it forgets each by itself after its time to live."""


class SharedCache:
    """Wraps a byte cache with a breaker and the stored form."""

    def __init__(self, store: ByteCache, breaker: Breaker) -> None:
        self._store = store
        self._breaker = breaker
        self._stale: dict[str, None] = {}
        self._lock = threading.Lock()

    def get(self, key: str, scope: Scope) -> Record | None:
        """Return the record of a key, or None."""
        if not self._breaker.allow():
            scope.tally.add("cache.l2.skipped")
            return None
        if self._is_stale(key, scope):
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
        """Keep a body, or with None that there is none, for `ttl_s`."""
        if not self._breaker.allow():
            scope.tally.add("cache.l2.skipped")
            return
        try:
            self._store.put(key, pack(fetched_at_s, body), ttl_s, scope)
        except CoreError as error:
            self._failed(error, scope)
        else:
            self._stale.pop(key, None)
            self._breaker.succeed()

    def remove(self, keys: Sequence[str], scope: Scope) -> None:
        """Forget keys, here and in every process that listens. While Redis fails to, this one takes none of them from it."""
        self._mark(keys)
        try:
            self._store.announce(keys, scope)
        except CoreError as error:
            self._failed(error, scope)
        else:
            for key in keys:
                self._stale.pop(key, None)

    def _mark(self, keys: Sequence[str]) -> None:
        with self._lock:
            self._stale |= dict.fromkeys(keys)
            while len(self._stale) > STALE_LIMIT:
                del self._stale[next(iter(self._stale))]

    def _is_stale(self, key: str, scope: Scope) -> bool:
        """Return whether a key is one that Redis should have forgotten, after asking it once more."""
        if key not in self._stale:
            return False
        self.remove([key], scope)
        return key in self._stale

    def _failed(self, error: CoreError, scope: Scope) -> None:
        self._breaker.fail()
        scope.tally.add("cache.l2.errors")
        LOG.warning("the shared cache did not answer: %s", error)
