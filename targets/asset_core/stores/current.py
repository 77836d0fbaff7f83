"""The deadline of the current call of a thread or greenlet, for clients without a deadline argument."""

import contextlib
import threading
import time
from collections.abc import Iterator

from targets.asset_core.errors import DeadlineError
from targets.asset_core.scope import Scope

SHORTEST_S = 0.001
"""Shortest socket time-out: zero would mean non-blocking."""


class CurrentCall(threading.local):
    """Set around a client's call, and read by hooks inside that client in the same thread or greenlet."""

    due_s = float("inf")

    @contextlib.contextmanager
    def bounded(self, scope: Scope, limit_s: float = threading.TIMEOUT_MAX) -> Iterator[None]:
        """Bound the block to `limit_s` or the request's time, whichever is less; raises DeadlineError if none is left."""
        outer_s = self.due_s
        self.due_s = time.monotonic() + scope.allow(limit_s)
        try:
            yield
        finally:
            self.due_s = outer_s

    def check(self) -> None:
        """Raise DeadlineError if the call has no time left."""
        if time.monotonic() >= self.due_s:
            raise DeadlineError("the call's time is used up")

    def allow(self, limit_s: float) -> float:
        """Return `limit_s` cut to the time left of the call, never below a millisecond."""
        return max(min(limit_s, self.due_s - time.monotonic()), SHORTEST_S)
