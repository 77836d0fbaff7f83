"""Listen to announcements between processes by Redis pub/sub, on a separate connection outside the pool."""

import contextlib
import dataclasses
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from targets.asset_core.logs import one_line
from targets.asset_core.profiles import RedisLimits
from targets.asset_core.settings import StoreSettings

LOG = logging.getLogger("asset_core.invalidations")

CHANNEL = "asset:forgotten"
POLL_S = 0.25
"""Longest delay until a listener notices its end, in seconds."""

CHECK_S = 5.0
"""Interval between tests of a silent connection, in seconds."""

FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 10.0

OnKeys = Callable[[Sequence[str]], None]
OnGap = Callable[[], None]


class Announcement(msgspec.Struct, array_like=True, frozen=True):
    """Keys to forget, and the announcing process."""

    origin: str
    keys: list[str]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Announcement).decode


def make_origin() -> str:
    """Return a name for an announcing process."""
    return uuid.uuid4().hex


def announcement(origin: str, keys: Sequence[str]) -> bytes:
    """Return the message to forget keys."""
    return _encode(Announcement(origin, list(keys)))


@dataclasses.dataclass(frozen=True, slots=True)
class Hearer:
    """The callbacks of a listener: for keys, for the end of a gap, and for its beginning."""

    on_keys: OnKeys
    on_gap: OnGap
    on_loss: OnGap


class RedisListener:
    """A thread that receives others' announcements, reconnects when needed, and reports possible losses."""

    def __init__(self, settings: StoreSettings, limits: RedisLimits, origin: str, hearer: Hearer) -> None:
        self._client = _make_client(settings, limits)
        self._answer_s = limits.io_s
        self._origin = origin
        self._hearer = hearer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asset-core-listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and close its connection."""
        self._stop.set()
        self._thread.join(4 * POLL_S)

    def _run(self) -> None:
        back_off_s = FIRST_BACK_OFF_S
        while not self._stop.is_set():
            try:
                with contextlib.closing(self._client.pubsub()) as heard:
                    heard.subscribe(CHANNEL)
                    for message in self._messages(heard):
                        back_off_s = FIRST_BACK_OFF_S
                        self._take(message)
            except Exception as error:  # noqa: BLE001 (whatever it is: a listener that ends leaves old entries in use)
                self._hearer.on_loss()
                LOG.warning(
                    "announcements cannot be heard: %s; next try in %g s", one_line(str(error)), back_off_s
                )
                self._stop.wait(back_off_s)
                back_off_s = min(back_off_s * 2, LONGEST_BACK_OFF_S)
        self._client.close()

    def _messages(self, heard: Any) -> Iterator[dict[str, Any]]:
        """Yield messages until the end; raises ConnectionError if a ping stays without a response.

        redis-py's own check sends a ping, and does not require a response: a silent server would never be detected.
        """
        heard_s, asked = time.monotonic(), False
        while not self._stop.is_set():
            message = heard.get_message(timeout=POLL_S)
            silent_s = time.monotonic() - heard_s
            if message is not None:
                heard_s, asked = time.monotonic(), False
                yield message
            elif asked and silent_s >= CHECK_S + self._answer_s:
                raise ConnectionError("the server is silent")
            elif not asked and silent_s >= CHECK_S:
                heard.ping()
                asked = True

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._hearer.on_gap()
        if message["type"] != "message":
            return
        try:
            announced = _decode(message["data"])
        except msgspec.MsgspecError:
            # The announced keys are unknown: no cached entry can be trusted.
            self._hearer.on_gap()
            return
        if announced.origin != self._origin:
            self._hearer.on_keys(announced.keys)


def _make_client(settings: StoreSettings, limits: RedisLimits) -> Any:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password,
        db=limits.database,
        socket_timeout=limits.io_s,
        socket_connect_timeout=limits.io_s,
        protocol=2,
        # Announcements may be missed while disconnected: this module reconnects itself and reports the gap.
        retry=Retry(NoBackoff(), 0),
    )
