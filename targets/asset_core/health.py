"""Check the health of each store: state, latency and last error, on demand and in the background."""

import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Mapping

import msgspec

from targets.asset_core.clocks import Clocks
from targets.asset_core.counting import Tally
from targets.asset_core.errors import CoreError, DeadlineError, PoolTimeoutError
from targets.asset_core.executor import Executor
from targets.asset_core.logs import log_error
from targets.asset_core.scope import Scope
from targets.asset_core.stores.names import DYNAMODB, NEO4J, REDIS
from targets.asset_core.stores.protocols import Store, Stores

LOG = logging.getLogger("asset_core.health")

PING_LIMIT_S = 3.0
CHECK_LIMIT_S = 9.5
"""Time for one ping after the other, within the limit of initialisation (seconds)."""

FRESH_S = 5.0
INTERVAL_S = 10.0
NEEDED = (DYNAMODB, NEO4J)
"""Stores without which no request can be served; Redis is optional."""


class StoreHealth(msgspec.Struct, frozen=True):
    """One store: `state` is ok or degraded, `last_error` a kind of error, never its text; wall-clock seconds."""

    state: str
    latency_ms: float
    last_error: str | None
    last_error_at_s: float | None
    checked_at_s: float


class HealthView(msgspec.Struct, frozen=True):
    """The body of `GET /health`: `status` is ok, degraded (still serving) or down."""

    status: str
    stores: dict[str, StoreHealth]


class HealthChecker:
    """Pings the stores. Recent views are reused, so that callers of `/health` cannot load the stores."""

    def __init__(self, stores: Stores, executor: Executor, clocks: Clocks) -> None:
        # Not shared with the fetches: a store that hangs would fill their executor, and all would seem to fail.
        self._stores: Mapping[str, Store] = {
            DYNAMODB: stores.assets,
            NEO4J: stores.graph,
            REDIS: stores.cache,
        }
        self._executor = executor
        self._clocks = clocks
        self._states: dict[str, StoreHealth] = {}
        self._checked_at_s = float("-inf")
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def view(self, scope: Scope) -> HealthView:
        """Return the states, checked now unless recent ones exist."""
        with self._checking(scope):
            if self._clocks.monotonic() - self._checked_at_s >= FRESH_S:
                self._check(scope)
            return HealthView(_status(self._states), dict(self._states))

    def check(self, scope: Scope) -> dict[str, str]:
        """Check all stores now and return the kind of error of each store that failed."""
        with self._checking(scope):
            self._check(scope)
            return {
                name: state.last_error or "" for name, state in self._states.items() if state.state != "ok"
            }

    def _checking(self, scope: Scope) -> contextlib.AbstractContextManager[None]:
        return scope.holding(self._lock, "the request's time ran out while another checked the stores")

    def start(self, tally: Tally, chore: Callable[[Scope], None], interval_s: float = INTERVAL_S) -> None:
        """Check in the background until `stop`, and each time run a chore that may wait for a store to return."""
        loop = functools.partial(self._watch, tally, chore, interval_s)
        threading.Thread(target=loop, name="asset-core-health", daemon=True).start()

    def stop(self) -> None:
        """Stop the background checks."""
        self._stop.set()
        self._executor.close()

    def _watch(self, tally: Tally, chore: Callable[[Scope], None], interval_s: float) -> None:
        while not self._stop.wait(interval_s):
            try:
                scope = Scope(float("inf"), tally, self._clocks.monotonic)
                self.check(scope)
                chore(scope)
            except Exception as error:  # noqa: BLE001 (the next check may succeed)
                if not self._stop.is_set():
                    log_error(LOG, "a background health check failed", error)

    def _check(self, caller: Scope) -> None:
        due_s = min(caller.due_s, self._clocks.monotonic() + CHECK_LIMIT_S)
        scope = Scope(due_s, caller.tally, self._clocks.monotonic)
        answers: dict[str, tuple[float, str | None]] = {}
        tasks = [
            functools.partial(self._ping, name, store, scope, answers) for name, store in self._stores.items()
        ]
        with contextlib.suppress(DeadlineError):
            self._executor.run_all(tasks, scope)
        # A store that answered is healthy, even if another store used up the time limit.
        for name in self._stores:
            self._states[name] = self._state(name, *answers.get(name, (0.0, "timeout")))
        self._checked_at_s = self._clocks.monotonic()

    def _ping(
        self, name: str, store: Store, whole: Scope, answers: dict[str, tuple[float, str | None]]
    ) -> None:
        began_s = self._clocks.monotonic()
        error: str | None = None
        scope = Scope(min(whole.due_s, began_s + PING_LIMIT_S), whole.tally, self._clocks.monotonic)
        try:
            store.ping(scope)
        except CoreError as failure:
            error = _kind(failure)
            LOG.warning("%s did not answer: %s", name, failure)
        answers[name] = round((self._clocks.monotonic() - began_s) * 1000, 3), error

    def _state(self, name: str, latency_ms: float, error: str | None) -> StoreHealth:
        now_s = round(self._clocks.wall(), 3)
        before = self._states.get(name)
        if error is not None:
            return StoreHealth("degraded", latency_ms, error, now_s, now_s)
        last = (before.last_error, before.last_error_at_s) if before is not None else (None, None)
        return StoreHealth("ok", latency_ms, *last, now_s)


def _kind(error: CoreError) -> str:
    if isinstance(error, DeadlineError):
        return "timeout"
    return "pool_timeout" if isinstance(error, PoolTimeoutError) else "unreachable"


def _status(states: Mapping[str, StoreHealth]) -> str:
    failing = {name for name, state in states.items() if state.state != "ok"}
    if failing.intersection(NEEDED):
        return "down"
    return "degraded" if failing else "ok"
