"""How long the machine kept this thread waiting for a processor, read cheaply and seldom."""

import bisect
import collections
import operator
import os

# How far apart two looks are at least, while nothing is late and when something is: a look costs some 2 us.
_LOOK_NS, _LATE_LOOK_NS = 1_000_000, 200_000
# What is forgotten is excused no more.
_MOST_LOOKS = 4_096
_WHEN = operator.itemgetter(0)
UNEXPLAINED_NS = 200_000
"""A lag that is explained up to this is not worth a look at the kernel's account."""


class RunDelay:
    """The run delay of the thread that made this object.

    Where the kernel has no such file every answer is 0: then nothing is excused as the host's doing.
    """

    def __init__(self, account: str = "/proc/thread-self/schedstat") -> None:
        try:
            self._descriptor: int | None = os.open(account, os.O_RDONLY)
        except OSError:
            self._descriptor = None
        # Pairs of (when, how much by then).
        self._looks = collections.deque([(0, self.total_ns())], _MOST_LOOKS)

    def total_ns(self) -> int:
        """Return the thread's whole run delay."""
        if self._descriptor is None:
            return 0
        return int(os.pread(self._descriptor, 96, 0).split()[1])

    def look(self, now_ns: int) -> None:
        """Look if the last look was over 1 ms ago: what came before it makes nobody late who is due after `now_ns`."""
        if now_ns - self._looks[-1][0] > _LOOK_NS:
            self._looks.append((now_ns, self.total_ns()))

    def since_ns(self, from_ns: int, now_ns: int) -> int:
        """Return the run delay since the last look that was before `from_ns`.

        All who were late together have the same delay in their lag: asking takes nothing away.
        """
        total_ns = self.total_ns()
        place = bisect.bisect_right(self._looks, from_ns, key=_WHEN)
        before_ns = self._looks[max(place - 1, 0)][1]
        if now_ns - self._looks[-1][0] > _LATE_LOOK_NS:
            self._looks.append((now_ns, total_ns))
        return total_ns - before_ns

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
