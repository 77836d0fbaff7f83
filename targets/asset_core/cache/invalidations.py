"""Listen to other processes' writes: their announcements remove keys from this process's cache."""

import threading
from collections.abc import Callable

from targets.asset_core.cache.levels import AssetCache
from targets.asset_core.stores.protocols import ByteCache


class Invalidations:
    """Listen while started. Forgets entries whose announcement may be lost, before listening began or without Redis."""

    _end: Callable[[], None] | None

    def __init__(self, store: ByteCache, cache: AssetCache) -> None:
        self._store = store
        self._cache = cache
        self._lock = threading.Lock()
        self._end = None

    def start(self) -> None:
        """Start listening."""
        with self._lock:
            if self._end is None:
                cache = self._cache
                cache.lose_touch()
                self._end = self._store.listen(cache.forget, cache.catch_up, cache.lose_touch)

    def stop(self) -> None:
        """Stop listening."""
        with self._lock:
            end, self._end = self._end, None
        if end is not None:
            end()
