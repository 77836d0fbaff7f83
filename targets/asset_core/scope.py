"""The scope of a request, passed to all of its work: its deadline and its tally."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from targets.asset_core.counting import Tally
from targets.asset_core.errors import DeadlineError

REQUEST_LIMIT_S = 25.0
CONTEXT_RESERVE_S = 0.5


class Scope:
    """The deadline (on the monotonic clock) and the tally of one request; `afterwards` runs after the response is made."""

    __slots__ = ("_clock", "afterwards", "due_s", "tally")

    def __init__(self, due_s: float, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self.due_s = due_s
        self.tally = tally
        self.afterwards: list[Callable[[], None]] = []
        self._clock = clock

    def now_s(self) -> float:
        """Return the time on the deadline's clock."""
        return self._clock()

    def remaining_s(self) -> float:
        """Return the seconds left, negative when the deadline has passed."""
        return self.due_s - self._clock()

    def allow(self, limit_s: float = threading.TIMEOUT_MAX) -> float:
        """Return `limit_s` cut to the seconds left, and to the longest wait of locks; raises DeadlineError if none are left."""
        remaining_s = self.remaining_s()
        if remaining_s <= 0:
            raise DeadlineError("the request's time is used up")
        return min(limit_s, remaining_s)

    def at_least(self, limit_s: float) -> "Scope":
        """Return this scope, or one with `limit_s` left if less is: for work that must be done at any time."""
        now_s = self._clock()
        if self.due_s - now_s >= limit_s:
            return self
        return Scope(now_s + limit_s, self.tally, self._clock)

    @contextlib.contextmanager
    def holding(self, lock: threading.Lock, late: str) -> Iterator[None]:
        """Hold `lock` in the block; raises DeadlineError, naming `late`, if it is not free in time."""
        if not lock.acquire(timeout=self.allow()):
            raise DeadlineError(late)
        try:
            yield
        finally:
            lock.release()

    def check(self) -> None:
        """Raise DeadlineError if the deadline has passed."""
        if self.remaining_s() <= 0:
            raise DeadlineError("the request's time is used up")


def request_limit_s(context: object) -> float:
    """Return the time limit of a request: 25 s, or the time left in Lambda's context minus 500 ms if that is less."""
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    if remaining_ms is None:
        return REQUEST_LIMIT_S
    return min(REQUEST_LIMIT_S, float(remaining_ms()) / 1000.0 - CONTEXT_RESERVE_S)
