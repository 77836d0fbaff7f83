"""How long this thread had the processor, and how long the machine kept it waiting for one, read cheaply and seldom."""

import bisect
import collections
import operator
import os
import time
from collections.abc import Callable

# How far apart two looks are at least, while nothing is late and when something is: a look costs some 2 us.
_LOOK_NS, _LATE_LOOK_NS = 1_000_000, 200_000
# What is forgotten is excused no more.
_MOST_LOOKS = 4_096
_WHEN = operator.itemgetter(0)
UNEXPLAINED_NS = 200_000
"""A lag that is explained up to this is not worth a look at the kernel's account."""
_HALT_NS = 5_000_000
"""No timer is late by so much: a thread that slept for longer with work to do was kept from it."""


class RunDelay:
    """The run delay of the thread that made this object.

    Where the kernel has no such file every answer is 0: then nothing is excused as the host's doing.
    """

    def __init__(
        self, account: str = "/proc/thread-self/schedstat", cpu_ns: Callable[[], int] = time.thread_time_ns
    ) -> None:
        self._cpu_ns = cpu_ns
        self.halted_ns = self.longest_halt_ns = self._halt_end_ns = 0
        """How long the thread slept in all although it had work, and at most at once."""
        try:
            self._descriptor: int | None = os.open(account, os.O_RDONLY)
        except OSError:
            self._descriptor = None
        # (When, how much run delay and how much time on the processor by then).
        self._looks = collections.deque([(0, self.total_ns(), cpu_ns())], _MOST_LOOKS)

    def total_ns(self) -> int:
        """Return the thread's whole run delay."""
        if self._descriptor is None:
            return 0
        return int(os.pread(self._descriptor, 96, 0).split()[1])

    def look(self, now_ns: int) -> None:
        """Look if the last look was over 1 ms ago: what came before it makes nobody late who is due after `now_ns`."""
        if now_ns - self._looks[-1][0] > _LOOK_NS:
            self._looks.append((now_ns, self.total_ns(), self._cpu_ns()))

    def used_ns(self, from_ns: int, now_ns: int) -> tuple[int, int]:
        """Return the run delay since the last look that was before `from_ns`, and the time on the processor since then."""
        total_ns, cpu_ns = self.total_ns(), self._cpu_ns()
        _, total_then_ns, cpu_then_ns = self._before(from_ns)
        self._looks.append((now_ns, total_ns, cpu_ns))
        return total_ns - total_then_ns, cpu_ns - cpu_then_ns

    def kept_ns(self, from_ns: int, now_ns: int, unexplained_ns: int) -> int:
        """Return how much of a lag since `from_ns`, which no target explains, this thread was kept from running.

        That is the run delay; or the thread slept, with work to do: it was stopped, or waited for the interpreter's lock.
        """
        delay_ns = self.since_ns(from_ns, now_ns)
        cpu_ns = self._cpu_ns() - self._before(from_ns)[2]
        halted_ns = unexplained_ns - delay_ns - cpu_ns
        # Who came due towards the end of a halt was late by less.
        least_ns = 0 if from_ns < self._halt_end_ns else _HALT_NS
        if halted_ns <= least_ns or from_ns < self._looks[0][0]:
            return min(delay_ns, unexplained_ns)
        # All who were late together had the same halt.
        new_ns = min(halted_ns, now_ns - self._halt_end_ns)
        self._halt_end_ns = now_ns
        self.halted_ns += new_ns
        self.longest_halt_ns = max(self.longest_halt_ns, new_ns)
        return min(delay_ns + halted_ns, unexplained_ns)

    def since_ns(self, from_ns: int, now_ns: int) -> int:
        """Return the run delay since the last look that was before `from_ns`.

        All who were late together have the same delay in their lag: asking takes nothing away.
        """
        total_ns = self.total_ns()
        before_ns = self._before(from_ns)[1]
        if now_ns - self._looks[-1][0] > _LATE_LOOK_NS:
            self._looks.append((now_ns, total_ns, self._cpu_ns()))
        return total_ns - before_ns

    def _before(self, from_ns: int) -> tuple[int, int, int]:
        place = bisect.bisect_right(self._looks, from_ns, key=_WHEN)
        return self._looks[max(place - 1, 0)]

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
