"""Read this thread's CPU time and its time runnable but not running, cheaply and seldom."""

import os
import time
from collections.abc import Callable

from harness.load.looks import Looks

# Shortest time between two looks, while nothing is late and when something is: a look costs some 2 us.
_LOOK_NS, _LATE_LOOK_NS = 1_000_000, 200_000
UNEXPLAINED_NS = 200_000
"""Unexplained lag, in ns, up to which the kernel's account is not read."""
HALT_NS = 5_000_000
"""Longest plausible delay of a timer, in ns: a thread that slept longer although it had work was stopped."""


class RunDelay:
    """The run delay of the thread that made this object.

    If the kernel has no such file, every method returns 0, and no delay counts as caused by the host.
    """

    def __init__(
        self, account: str = "/proc/thread-self/schedstat", cpu_ns: Callable[[], int] = time.thread_time_ns
    ) -> None:
        self._cpu_ns = cpu_ns
        self.halted_ns = self.longest_halt_ns = self._halt_end_ns = 0
        """Total and longest time that the thread slept although it had work, in ns."""
        try:
            self._descriptor: int | None = os.open(account, os.O_RDONLY)
        except OSError:
            self._descriptor = None
        # Run delay and CPU time by each look: run delay older than these no longer explains a lag.
        self._looks = Looks(0, self.total_ns(), cpu_ns())

    def total_ns(self) -> int:
        """Return the thread's whole run delay."""
        if self._descriptor is None:
            return 0
        return int(os.pread(self._descriptor, 96, 0).split()[1])

    def look(self, now_ns: int) -> None:
        """Read the delay if the last look was over 1 ms ago: earlier delay cannot affect an arrival due after `now_ns`."""
        if now_ns - self._looks.last_ns > _LOOK_NS:
            self._looks.add(now_ns, self.total_ns(), self._cpu_ns())

    def used_ns(self, from_ns: int, now_ns: int) -> tuple[int, int]:
        """Return the run delay and the CPU time since the last look before `from_ns`."""
        total_ns, cpu_ns = self.total_ns(), self._cpu_ns()
        _, total_then_ns, cpu_then_ns = self._looks.before(from_ns)
        self._looks.add(now_ns, total_ns, cpu_ns)
        return total_ns - total_then_ns, cpu_ns - cpu_then_ns

    def kept_ns(self, from_ns: int, now_ns: int, unexplained_ns: int) -> int:
        """Return the part of a lag since `from_ns`, unexplained by the target, in which this thread was kept from running.

        That is the run delay, or a sleep with work to do: the thread was stopped, or waited for the interpreter's lock.
        """
        delay_ns = self.since_ns(from_ns, now_ns)
        cpu_ns = self._cpu_ns() - self._looks.before(from_ns)[2]
        halted_ns = unexplained_ns - delay_ns - cpu_ns
        # An arrival that came due towards the end of a halt is late by less than the halt.
        least_ns = 0 if from_ns < self._halt_end_ns else HALT_NS
        if halted_ns <= least_ns or from_ns < self._looks.first_ns:
            return min(delay_ns, unexplained_ns)
        # Arrivals that were late together share the same halt.
        new_ns = min(halted_ns, now_ns - self._halt_end_ns)
        self._halt_end_ns = now_ns
        self.halted_ns += new_ns
        self.longest_halt_ns = max(self.longest_halt_ns, new_ns)
        return min(delay_ns + halted_ns, unexplained_ns)

    def since_ns(self, from_ns: int, now_ns: int) -> int:
        """Return the run delay since the last look before `from_ns`.

        Arrivals that were late together share the same delay, so a call does not consume it.
        """
        total_ns = self.total_ns()
        before_ns = self._looks.before(from_ns)[1]
        if now_ns - self._looks.last_ns > _LATE_LOOK_NS:
            self._looks.add(now_ns, total_ns, self._cpu_ns())
        return total_ns - before_ns

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
