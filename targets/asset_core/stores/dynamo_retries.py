"""Keep boto3's retries within the call's time: no pause before a retry, and no wait for a send permit, exceeds it.

botocore sleeps before a retry, and in adaptive mode before it sends, without a limit. This module replaces private
names of botocore, checked by a test: neither has a public equivalent.
"""

import time
from collections.abc import Callable
from typing import Any

from targets.asset_core.stores.current import CurrentCall

STEP_S = 0.02
"""Interval between requests for a send permit, in seconds."""


def bound_retries(client: Any, current: CurrentCall) -> None:
    """Cut the pauses of a client to the current call: a retry that would come too late is not made."""
    endpoint = client._endpoint  # noqa: SLF001
    endpoint._event_emitter = _Emitter(endpoint._event_emitter, current)  # noqa: SLF001
    for bucket in _buckets(client):
        bucket.acquire = _bounded(bucket.acquire, current)


class _Emitter:
    """Pass all events on, and cancel answers that request too long a pause."""

    def __init__(self, emitter: Any, current: CurrentCall) -> None:
        self._emitter = emitter
        self._current = current

    def __getattr__(self, name: str) -> Any:
        return getattr(self._emitter, name)

    def emit(self, event_name: str, **arguments: Any) -> Any:
        """Return the handlers' responses; a pause that would end after the call's time becomes False: no retry."""
        answers = self._emitter.emit(event_name, **arguments)
        if not event_name.startswith("needs-retry."):
            return answers
        return [(handler, self._cut(answer)) for handler, answer in answers]

    def _cut(self, answer: Any) -> Any:
        pauses = isinstance(answer, int | float) and not isinstance(answer, bool)
        return False if pauses and time.monotonic() + answer >= self._current.due_s else answer


def _buckets(client: Any) -> list[Any]:
    """Return the token buckets of the client's rate limiters."""
    from botocore.retries.adaptive import ClientRateLimiter

    emitter = client.meta.events._emitter  # noqa: SLF001
    handlers = emitter._handlers.prefix_search("before-send.dynamodb")  # noqa: SLF001
    owners = (getattr(handler, "__self__", None) for handler in handlers)
    return [owner._token_bucket for owner in owners if isinstance(owner, ClientRateLimiter)]  # noqa: SLF001


def _bounded(acquire: Callable[..., bool], current: CurrentCall) -> Callable[[], bool]:
    from botocore.exceptions import CapacityNotAvailableError

    def bounded() -> bool:
        while True:
            try:
                return acquire(1, False)
            except CapacityNotAvailableError:
                current.check()
                time.sleep(current.allow(STEP_S))

    return bounded
