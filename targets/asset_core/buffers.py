"""A bounded pool of byte buffers, 4 KiB and up."""

import threading

BUFFER_BYTES = 4096
LARGEST_KEPT_BYTES = 256 * 1024
POOL_LIMIT = 64


class BufferPool:
    """Buffers to encode into. A returned buffer keeps its memory up to a limit; a larger one is dropped."""

    def __init__(self, limit: int = POOL_LIMIT, largest_kept_bytes: int = LARGEST_KEPT_BYTES) -> None:
        self.limit = limit
        self.largest_kept_bytes = largest_kept_bytes
        self._free: list[bytearray] = []
        self._lent: set[int] = set()
        self._lock = threading.Lock()

    def take(self) -> bytearray:
        """Return a buffer of unspecified content, a new one if none is free."""
        with self._lock:
            buffer = self._free.pop() if self._free else bytearray(BUFFER_BYTES)
            self._lent.add(id(buffer))
        return buffer

    def give(self, buffer: bytearray) -> None:
        """Take a buffer back; raises ValueError if it was not lent, or was already returned."""
        with self._lock:
            if id(buffer) not in self._lent:
                raise ValueError("the buffer was not lent by this pool, or was given back before")
            self._lent.remove(id(buffer))
            if len(self._free) < self.limit and len(buffer) <= self.largest_kept_bytes:
                self._free.append(buffer)

    @property
    def free(self) -> int:
        """The number of buffers available for reuse."""
        return len(self._free)
