"""The deadline of the call that a thread or greenlet is making, for clients that take no deadline as an argument."""

import contextlib
import threading
import time
from collections.abc import Iterator

from targets.asset_core.errors import DeadlineError
from targets.asset_core.scope import Scope

SHORTEST_S = 0.001
"""Socket time-outs of zero mean something else."""


class CurrentCall(threading.local):
    """Set around a client's call, read by hooks inside that client in the same thread or greenlet."""

    due_s = float("inf")

    @contextlib.contextmanager
    def bounded(self, scope: Scope, limit_s: float = threading.TIMEOUT_MAX) -> Iterator[None]:
        """Bound what happens inside to `limit_s` or the request's time, whichever is less; DeadlineError if none is left."""
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
        """Return `limit_s` cut to the time that the call has left, never below a millisecond."""
        return max(min(limit_s, self.due_s - time.monotonic()), SHORTEST_S)
