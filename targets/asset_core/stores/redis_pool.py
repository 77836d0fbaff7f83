"""A Redis pool with additional limits: idle time, lifetime, a minimum of idle connections, deadlines.

The gate before it (`gate.py`) makes callers wait for a free connection.
"""

import contextlib
import time
from typing import Any

from redis import Connection, ConnectionPool
from redis.exceptions import RedisError

from targets.asset_core.gate import Gate
from targets.asset_core.profiles import RedisLimits
from targets.asset_core.stores.current import CurrentCall


class BoundedConnection(Connection):  # type: ignore[misc]
    """A connection whose connecting, handshake, reading and writing end with the call that uses it."""

    def __init__(self, current: CurrentCall, limits: RedisLimits, **arguments: Any) -> None:
        self._current = current
        self._limits = limits
        self.born_s = self.released_s = time.monotonic()
        super().__init__(**arguments)

    def _connect(self) -> Any:
        self.born_s = time.monotonic()
        self.socket_timeout = self.socket_connect_timeout = self._current.allow(self._limits.io_s)
        return super()._connect()

    def bound(self) -> None:
        """Cut the time-out of an open socket to the current call."""
        sock = self._get_socket()
        if sock is not None:
            sock.settimeout(self._current.allow(self._limits.io_s))

    def is_old(self, now_s: float, idle_s: float) -> bool:
        """Return True if it was idle or alive for too long."""
        lifetime_s = self._limits.lifetime_s
        expired = lifetime_s is not None and now_s - self.born_s >= lifetime_s
        return expired or now_s - self.released_s >= idle_s


class AgeingPool(ConnectionPool):  # type: ignore[misc]
    """Close connections that were idle or alive for too long before their next use."""

    def __init__(self, limits: RedisLimits, current: CurrentCall, *, pooling: bool, **arguments: Any) -> None:
        self._limits = limits
        self._idle_s = limits.idle_s if pooling else 0.0
        self._min_idle = limits.min_idle if pooling else 0
        super().__init__(
            connection_class=BoundedConnection,
            max_connections=limits.pool_size if pooling else 1_000,
            current=current,
            limits=limits,
            **arguments,
        )

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        """Return a connected connection whose reads and writes end with the current call."""
        self._retire()
        connection = super().get_connection(*arguments, **options)
        connection.bound()
        return connection

    def release(self, connection: Any) -> None:
        """Take a connection back."""
        connection.released_s = time.monotonic()
        super().release(connection)

    def fill(self, gate: Gate) -> None:
        """Connect until the minimum of idle connections exists, without taking gate places that others need.

        Failures are left to the next user of the connections.
        """
        if self.idle >= self._min_idle:
            return
        with contextlib.ExitStack() as held, contextlib.suppress(RedisError, OSError):
            for _ in range(self._min_idle):
                if not gate.try_enter():
                    return
                held.callback(gate.leave, failed=False)
                held.callback(self.release, self.get_connection())

    @property
    def idle(self) -> int:
        """The number of connected connections available for use."""
        return sum(connection.is_connected for connection in list(self._available_connections))

    def _retire(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            for connection in self._available_connections:
                if connection.is_connected and connection.is_old(now_s, self._idle_s):
                    # A closed connection reconnects when it is used.
                    connection.disconnect()
