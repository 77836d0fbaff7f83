"""Single flight: of concurrent callers with the same key, one does the work and all get its result."""

import threading
from collections.abc import Callable

from targets.asset_core.cache.entry import Entry
from targets.asset_core.errors import DeadlineError
from targets.asset_core.scope import Scope


class _Flight:
    __slots__ = ("done", "error", "result")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: Entry | None = None
        self.error: BaseException | None = None


class SingleFlight:
    """Runs work once per key. Followers wait no longer than their own deadline."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}
        self._lock = threading.Lock()

    def run(self, key: str, work: Callable[[], Entry], scope: Scope) -> Entry:
        """Return the result of `work` from the caller that runs it; its error is raised in every caller.

        If a leader runs out of time, followers with time left do not fail: one of them leads next.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None:
                    own = self._flights[key] = _Flight()
                    break
            scope.tally.add("cache.flight.joined")
            result = self._follow(flight, scope)
            if result is not None:
                return result
        return self._lead(key, own, work)

    def _lead(self, key: str, flight: _Flight, work: Callable[[], Entry]) -> Entry:
        try:
            flight.result = work()
        except BaseException as error:
            flight.error = error
            raise
        else:
            return flight.result
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()

    def _follow(self, flight: _Flight, scope: Scope) -> Entry | None:
        if not flight.done.wait(scope.allow()):
            raise DeadlineError("the request's time ran out while another fetched the same asset")
        if flight.error is None:
            return flight.result
        if isinstance(flight.error, Exception) and not isinstance(flight.error, DeadlineError):
            raise flight.error
        return None
