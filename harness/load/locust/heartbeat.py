"""Measure the lateness of this process's loop: what a response may wait for until the client sees it."""

import locust  # noqa: F401  # isort: skip
import gevent

from harness.clock import NS_PER_S, SystemClock
from harness.load.lags import Lags
from harness.run.client_facts import LoopLag

BEAT_S = 0.01


class Heartbeat:
    """A greenlet that wakes every 10 ms, and counts how late it was."""

    def __init__(self) -> None:
        self._lags = Lags()
        self.greenlet = gevent.spawn(self._beat)

    def _beat(self) -> None:
        add, now_ns, beat_ns = self._lags.add, SystemClock.now_ns, round(BEAT_S * NS_PER_S)
        while True:
            due_ns = now_ns() + beat_ns
            gevent.sleep(BEAT_S)
            add(max(now_ns() - due_ns, 0))

    def begin(self) -> None:
        """Forget what was before."""
        self._lags.clear()

    def end(self) -> LoopLag:
        """Stop, and return the lateness since `begin`."""
        self.greenlet.kill(block=False)
        return self._lags.found()
