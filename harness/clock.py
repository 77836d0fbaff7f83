"""Time behind one small protocol, so that nothing that decides has to wait to be tested."""

import time
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """A monotonic clock in integer nanoseconds that can also wait."""

    def now_ns(self) -> int:
        """Return the time since an arbitrary origin that is the same for every process of the machine."""

    def sleep(self, seconds: float) -> None:
        """Let at least `seconds` pass."""


class SystemClock:
    """CLOCK_MONOTONIC, the one clock of all stamps."""

    now_ns = staticmethod(time.perf_counter_ns)
    sleep = staticmethod(time.sleep)
