"""Who holds the loop without using the processor: code that waits where gevent cannot know.

A call of a library in C that does not cooperate with gevent keeps the loop for as long as it waits: to the split that is
*run*. So each long stretch is held against the thread's own time on the processor. What it had of that since the last
look before the stretch is the most that it can have had in it: what is found blocked is never too much.
"""

from harness.load.run_delay import RunDelay

LONG_NS = 1_000_000
"""A stretch of the loop that is worth a look, which takes some 2 us."""


class Blocking:
    """Long stretches by their holder: how many, how long, and how much of that was neither on the processor nor ready."""

    def __init__(self, delay: RunDelay, holders: int) -> None:
        self._delay = delay
        self.stretches = [0] * holders
        self.held_ns = [0] * holders
        self.blocked_ns = [0] * holders

    def held(self, holder: int, start_ns: int, end_ns: int) -> None:
        """Look at a stretch that ends now, longer than `LONG_NS`."""
        delay_ns, cpu_ns = self._delay.used_ns(start_ns, end_ns)
        self.stretches[holder] += 1
        self.held_ns[holder] += end_ns - start_ns
        self.blocked_ns[holder] += max(end_ns - start_ns - delay_ns - cpu_ns, 0)
