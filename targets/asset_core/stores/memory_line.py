"""The connection to a memory store: its pool, its seeded latency that yields, its counters."""

import math
import random
import threading
import time

from targets.asset_core.gate import Gate, PoolView
from targets.asset_core.scope import Scope

CONNECT_ROUND_TRIPS = 2.0
"""Cost of a new connection, in latencies of its store."""


class Latency:
    """Log-normal waiting times with a given median. gevent replaces `time.sleep`, so greenlets yield in it."""

    def __init__(self, median_s: float, seed: str, sigma: float = 0.1) -> None:
        self._mu = math.log(median_s) if median_s > 0 else None
        self._sigma = sigma
        self._rng = random.Random(seed)
        self._lock = threading.Lock()

    def draw_s(self) -> float:
        """Return the next waiting time; 0 without latency."""
        if self._mu is None:
            return 0.0
        with self._lock:
            return self._rng.lognormvariate(self._mu, self._sigma)

    def wait(self, round_trips: float = 1.0) -> None:
        """Sleep for the time of a response; without latency not at all."""
        delay_s = self.draw_s() * round_trips
        if delay_s > 0:
            time.sleep(delay_s)


class Line:
    """The connection to one store: its pool, its latency, its counters."""

    def __init__(self, name: str, gate: Gate, latency: Latency, *, pooling: bool) -> None:
        self._name = name
        self._gate = gate
        self._latency = latency
        self._counted = (name + ".calls", name + ".round_trips")
        self._round_trips = 1.0 if pooling else 1.0 + CONNECT_ROUND_TRIPS

    def call(self, scope: Scope) -> None:
        """Take a connection, wait for the time of a response, count the call."""
        scope.check()
        with self._gate.passing(scope):
            scope.tally.add_each(self._counted)
            self._latency.wait(self._round_trips)

    def ping(self, scope: Scope) -> None:
        """Wait for the time of a response."""
        with self._gate.passing(scope):
            scope.tally.add(self._name + ".pings")
            self._latency.wait(self._round_trips)

    def pool(self) -> PoolView:
        """Return the state of the pool."""
        return self._gate.view()

    def close(self) -> None:
        """Do nothing: no resources are held."""
