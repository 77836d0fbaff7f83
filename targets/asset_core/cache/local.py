"""L1: least recently used entries in this process, bounded by count and bytes, each with a time to live."""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable

from targets.asset_core.cache.entry import Entry

TTL_S = 300.0
ENTRY_LIMIT = 20_000
BYTE_LIMIT = 128 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class LocalView:
    """The state of the cache at one moment."""

    entries: int
    bytes: int
    evictions: int
    expirations: int


class LocalCache:
    """A cache by key. `clock` is monotonic seconds."""

    def __init__(
        self, clock: Callable[[], float], entry_limit: int = ENTRY_LIMIT, byte_limit: int = BYTE_LIMIT
    ) -> None:
        self._clock = clock
        self._entry_limit = entry_limit
        self._byte_limit = byte_limit
        self._lock = threading.Lock()
        self._slots: OrderedDict[str, tuple[float, Entry, int]] = OrderedDict()
        self._bytes = self._evictions = self._expirations = 0

    def get(self, key: str) -> Entry | None:
        """Return the entry, or None if it is missing or expired."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                return None
            if self._clock() < slot[0]:
                self._slots.move_to_end(key)
                return slot[1]
            self._drop(key)
            self._expirations += 1
            return None

    def put(self, key: str, entry: Entry, ttl_s: float, size_bytes: int) -> None:
        """Store an entry for `ttl_s`; one larger than the whole cache is not stored."""
        if ttl_s <= 0 or size_bytes > self._byte_limit:
            return
        with self._lock:
            if key in self._slots:
                self._drop(key)
            self._slots[key] = (self._clock() + ttl_s, entry, size_bytes)
            self._bytes += size_bytes
            while self._bytes > self._byte_limit or len(self._slots) > self._entry_limit:
                self._drop(next(iter(self._slots)))
                self._evictions += 1

    def remove(self, key: str) -> None:
        """Remove a key."""
        with self._lock:
            if key in self._slots:
                self._drop(key)

    def clear(self) -> None:
        """Remove all keys."""
        with self._lock:
            self._slots.clear()
            self._bytes = 0

    def view(self) -> LocalView:
        """Return the sizes and totals."""
        with self._lock:
            return LocalView(len(self._slots), self._bytes, self._evictions, self._expirations)

    def _drop(self, key: str) -> None:
        self._bytes -= self._slots.pop(key)[2]
