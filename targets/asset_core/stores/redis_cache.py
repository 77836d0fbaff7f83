"""Store bytes in Redis."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.gate import Gate, PoolView
from targets.asset_core.profiles import RedisLimits
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.current import CurrentCall
from targets.asset_core.stores.names import REDIS
from targets.asset_core.stores.redis_listener import (
    CHANNEL,
    Hearer,
    OnGap,
    OnKeys,
    RedisListener,
    announcement,
    make_origin,
)

_CALLS = (f"{REDIS}.calls", f"{REDIS}.round_trips")
_PINGS = (f"{REDIS}.pings",)
SCAN_COUNT = 1_000


class RedisCache:
    """See `ByteCache`."""

    def __init__(self, settings: StoreSettings, limits: RedisLimits, *, pooling: bool) -> None:
        self._settings = settings
        self._limits = limits
        self._origin = make_origin()
        self._current = CurrentCall()
        self._gate = Gate(REDIS, limits.pool_size if pooling else None, limits.wait_s)
        self.connections = _make_pool(settings, limits, self._current, pooling=pooling)
        self._client = _make_client(self.connections)

    def get(self, key: str, scope: Scope) -> bytes | None:
        """Return the value, or None."""
        value: bytes | None = self._call(scope, self._client.get, key)
        scope.tally.add("redis.bytes_in", len(value or b""))
        return value

    def put(self, key: str, value: bytes, ttl_s: float, scope: Scope) -> None:
        """Store a value for `ttl_s` seconds."""
        self._call(scope, self._client.set, key, value, px=max(int(ttl_s * 1000), 1))
        scope.tally.add("redis.bytes_out", len(value))

    def remove(self, keys: Sequence[str], scope: Scope) -> None:
        """Remove keys, all in one command."""
        self._call(scope, self._client.unlink, *keys)

    def announce(self, keys: Sequence[str], scope: Scope) -> None:
        """Forget keys and notify all other listeners, in one round trip."""
        commands = self._client.pipeline(transaction=False)
        commands.unlink(*keys)
        commands.publish(CHANNEL, announcement(self._origin, keys))
        self._call(scope, commands.execute)

    def listen(self, on_keys: OnKeys, on_gap: OnGap, on_loss: OnGap) -> Callable[[], None]:
        """Listen to others' announcements until the returned function is called."""
        hearer = Hearer(on_keys, on_gap, on_loss)
        return RedisListener(self._settings, self._limits, self._origin, hearer).stop

    def remove_all(self, pattern: str, scope: Scope) -> int:
        """Forget all keys that match a glob pattern, and return their number."""
        return sum(self._call(scope, self._client.unlink, *keys) for keys in self._scan(pattern, scope))

    def ping(self, scope: Scope) -> None:
        """Ping the server, and restore the minimum of idle connections."""
        self._call(scope, self._client.ping, counters=_PINGS)
        with contextlib.suppress(DeadlineError), self._current.bounded(scope, self._limits.io_s):
            self.connections.fill(self._gate)

    def pool(self) -> PoolView:
        """Return the state of the pool."""
        return self._gate.view()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self.connections.disconnect()

    def _scan(self, pattern: str, scope: Scope) -> Iterator[list[bytes]]:
        cursor = 0
        while True:
            cursor, keys = self._call(scope, self._client.scan, cursor, match=pattern, count=SCAN_COUNT)
            if keys:
                yield keys
            if not cursor:
                return

    def _call(
        self,
        scope: Scope,
        command: Callable[..., Any],
        *arguments: Any,
        counters: tuple[str, ...] = _CALLS,
        **options: Any,
    ) -> Any:
        from redis.exceptions import RedisError

        scope.check()
        try:
            # Two rounds of reading and writing: this allows one retry on a dropped connection.
            with self._gate.passing(scope), self._current.bounded(scope, 2 * self._limits.io_s):
                scope.tally.add_each(counters)
                return command(*arguments, **options)
        except (RedisError, OSError) as error:
            if scope.remaining_s() <= 0:
                raise DeadlineError("the request's time ran out", where=REDIS) from error
            raise StoreError(f"{type(error).__name__}: {error}", where=REDIS) from error


def _make_pool(settings: StoreSettings, limits: RedisLimits, current: CurrentCall, *, pooling: bool) -> Any:
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as DroppedError
    from redis.retry import Retry

    from targets.asset_core.stores.redis_pool import AgeingPool

    return AgeingPool(
        limits,
        current,
        pooling=pooling,
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password,
        db=limits.database,
        socket_timeout=limits.io_s,
        socket_connect_timeout=limits.io_s,
        # RESP2: RESP3 is not needed, and its pool looks for pushed messages before each command.
        protocol=2,
        retry=Retry(NoBackoff(), 1, supported_errors=(DroppedError,)),
    )


def _make_client(pool: Any) -> Any:
    from redis import Redis

    return Redis(connection_pool=pool)
