"""What other processes wrote: their announcements empty this process's cache."""

import threading
from collections.abc import Callable

from targets.asset_core.cache.levels import AssetCache
from targets.asset_core.stores.protocols import ByteCache


class Invalidations:
    """Listens while started. What may have been missed before listening began, or while Redis was away, is forgotten."""

    _end: Callable[[], None] | None

    def __init__(self, store: ByteCache, cache: AssetCache) -> None:
        self._store = store
        self._cache = cache
        self._lock = threading.Lock()
        self._end = None

    def start(self) -> None:
        """Listen from now on."""
        with self._lock:
            if self._end is None:
                cache = self._cache
                cache.lose_touch()
                self._end = self._store.listen(cache.forget, cache.catch_up, cache.lose_touch)

    def stop(self) -> None:
        """Listen no more."""
        with self._lock:
            end, self._end = self._end, None
        if end is not None:
            end()
