"""Find code that blocks the event loop without using the CPU, because it waits where gevent cannot see it.

A C library that does not cooperate with gevent keeps the loop while it waits, and the split counts that as *run*. So each
long stretch is compared with the thread's CPU time since the last look before the stretch. That is an upper bound of the
CPU time in the stretch, so the blocked time found is never too high.
"""

from harness.load.run_delay import RunDelay

LONG_NS = 1_000_000
"""Shortest stretch of the loop that is looked at, in ns; a look takes some 2 us."""


class Blocking:
    """Long stretches by holder: their number, their time, and the part in which the thread was neither running nor runnable."""

    def __init__(self, delay: RunDelay, holders: int) -> None:
        self._delay = delay
        self.stretches = [0] * holders
        self.held_ns = [0] * holders
        self.blocked_ns = [0] * holders

    def held(self, holder: int, start_ns: int, end_ns: int) -> None:
        """Account for a stretch that ends now and is longer than `LONG_NS`."""
        delay_ns, cpu_ns = self._delay.used_ns(start_ns, end_ns)
        self.stretches[holder] += 1
        self.held_ns[holder] += end_ns - start_ns
        self.blocked_ns[holder] += max(end_ns - start_ns - delay_ns - cpu_ns, 0)
