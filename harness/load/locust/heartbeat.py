"""Measure the lateness of this process's loop: what a response may wait for until the client sees it."""

import locust  # noqa: F401  # isort: skip
import array

import gevent
import numpy as np

from harness.clock import NS_PER_S, SystemClock
from harness.run.client_facts import LoopLag

BEAT_S = 0.01


class Heartbeat:
    """A greenlet that wakes every 10 ms, and keeps how late it was."""

    def __init__(self) -> None:
        self._late_ns = array.array("q")
        self.greenlet = gevent.spawn(self._beat)

    def _beat(self) -> None:
        late_ns, now_ns, beat_ns = self._late_ns, SystemClock.now_ns, round(BEAT_S * NS_PER_S)
        while True:
            due_ns = now_ns() + beat_ns
            gevent.sleep(BEAT_S)
            late_ns.append(max(now_ns() - due_ns, 0))

    def begin(self) -> None:
        """Forget what was before."""
        del self._late_ns[:]

    def end(self) -> LoopLag:
        """Stop, and return the lateness since `begin`."""
        self.greenlet.kill(block=False)
        if not self._late_ns:
            return LoopLag()
        late_ns = np.array(self._late_ns)
        p50_ns, p99_ns = np.percentile(late_ns, (50, 99), method="inverted_cdf")
        return LoopLag(beats=len(late_ns), p50_ns=int(p50_ns), p99_ns=int(p99_ns), max_ns=int(late_ns.max()))
