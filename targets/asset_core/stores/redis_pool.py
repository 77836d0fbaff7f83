"""A Redis pool with the limits that redis-py lacks: idle time, lifetime, a minimum of idle connections, deadlines.

Waiting for a free connection happens at the gate before it (`gate.py`).
"""

import contextlib
import time
from typing import Any

from redis import ConnectionPool
from redis.exceptions import RedisError

from targets.asset_core.profiles import RedisLimits
from targets.asset_core.stores.current import CurrentCall


class AgeingPool(ConnectionPool):  # type: ignore[misc]
    """Closes connections that were idle or alive for too long before they are used again."""

    def __init__(self, limits: RedisLimits, current: CurrentCall, *, pooling: bool, **arguments: Any) -> None:
        self._limits = limits
        self._current = current
        self._idle_s = limits.idle_s if pooling else 0.0
        super().__init__(max_connections=limits.pool_size if pooling else 1_000, **arguments)

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        """Return a connected connection whose reads and writes end with the present call."""
        self._retire()
        connection = super().get_connection(*arguments, **options)
        born_s = getattr(connection, "born_s", None)
        if born_s is None:
            connection.born_s = time.monotonic()
        sock = connection._get_socket()  # noqa: SLF001 (checked by a test)
        if sock is not None:
            sock.settimeout(self._current.allow(self._limits.io_s))
        return connection

    def release(self, connection: Any) -> None:
        """Take a connection back."""
        connection.released_s = time.monotonic()
        super().release(connection)

    def fill(self) -> None:
        """Connect until the minimum of idle connections is there; failures are left to whoever uses them next."""
        with contextlib.suppress(RedisError, OSError):
            held = [self.get_connection() for _ in range(self._limits.min_idle - self.idle)]
            for connection in held:
                self.release(connection)

    @property
    def idle(self) -> int:
        """How many connected connections wait to be used."""
        return sum(connection.is_connected for connection in list(self._available_connections))

    def _retire(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            for connection in self._available_connections:
                if connection.is_connected and self._is_old(connection, now_s):
                    connection.disconnect()
                    connection.born_s = None

    def _is_old(self, connection: Any, now_s: float) -> bool:
        born_s, lifetime_s = getattr(connection, "born_s", None) or now_s, self._limits.lifetime_s
        if lifetime_s is not None and now_s - born_s >= lifetime_s:
            return True
        return now_s - getattr(connection, "released_s", now_s) >= self._idle_s
