"""A circuit breaker: after some failures in a row a store is not called, then tried by one caller at a time."""

import threading
from collections.abc import Callable

FAILURE_LIMIT = 3
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


class Breaker:
    """Call `allow` before each attempt, then `succeed` or `fail`. The pause doubles while attempts keep failing."""

    def __init__(self, clock: Callable[[], float], failure_limit: int = FAILURE_LIMIT) -> None:
        self._clock = clock
        self._failure_limit = failure_limit
        self._lock = threading.Lock()
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._closed = True
        self._retry_at_s = 0.0

    @property
    def closed(self) -> bool:
        """True while calls to the store are allowed."""
        return self._closed

    def allow(self) -> bool:
        """Return whether a call to the store is allowed now."""
        if self._closed:
            return True
        with self._lock:
            now_s = self._clock()
            if now_s < self._retry_at_s:
                return False
            # One probe per pause: the next caller waits, however this probe ends.
            self._retry_at_s = now_s + self._pause_s
            return True

    def end_pause(self) -> None:
        """Let the next caller probe: the store has answered another caller."""
        with self._lock:
            self._retry_at_s = self._clock()

    def succeed(self) -> None:
        """Record a success."""
        if self._closed and not self._failures:
            return
        with self._lock:
            self._failures, self._pause_s, self._closed = 0, FIRST_PAUSE_S, True

    def fail(self) -> None:
        """Record a failure."""
        with self._lock:
            self._failures += 1
            if self._failures < self._failure_limit:
                return
            if not self._closed:
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            self._closed = False
            self._retry_at_s = self._clock() + self._pause_s
