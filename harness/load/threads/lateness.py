"""Find out why a thread starts a call late: the machine, code of the target, or the harness itself.

The threads of a process share one lock of the interpreter, so a thread is late whenever another one runs for long. That is
told by CPU times: what the process used, less what the harness used, was used by the target.
"""

import bisect
import collections
import operator
import time
from collections.abc import Callable

from harness.load.run_delay import UNEXPLAINED_NS, RunDelay

_LOOK_NS, _LATE_LOOK_NS = 1_000_000, 200_000
_MOST_LOOKS = 4_096
_WHEN = operator.itemgetter(0)


class Lateness:
    """The causes of late starts in the thread that made this object. `harness_ns` returns the CPU time of the harness."""

    def __init__(self, harness_ns: Callable[[], int]) -> None:
        self._harness_ns = harness_ns
        # The time in which no thread of the process ran, although this one had work, is the machine's.
        self._delay = RunDelay(cpu_ns=time.process_time_ns)
        self._looks = collections.deque([(0, harness_ns())], _MOST_LOOKS)

    @property
    def halts_ns(self) -> tuple[int, int]:
        """Total and longest time in which the process stood still with work to do."""
        return self._delay.halted_ns, self._delay.longest_halt_ns

    def look(self, now_ns: int) -> None:
        """Read the CPU times if the last look was over 1 ms ago; call it before waiting for a due time."""
        if now_ns - self._looks[-1][0] > _LOOK_NS:
            self._looks.append((now_ns, self._harness_ns()))
            self._delay.look(now_ns)

    def causes(self, due_ns: int, now_ns: int) -> tuple[int, int]:
        """Return the parts of a start delay that the target and the machine caused, in ns; the rest is the harness's own."""
        late_ns = now_ns - due_ns
        if late_ns <= UNEXPLAINED_NS:
            return 0, 0
        host_ns = self._delay.kept_ns(due_ns, now_ns, late_ns)
        _, process_ns = self._delay.used_ns(due_ns, now_ns)
        harness_ns = self._harness_ns()
        place = bisect.bisect_right(self._looks, due_ns, key=_WHEN)
        used_ns = process_ns - (harness_ns - self._looks[max(place - 1, 0)][1])
        if now_ns - self._looks[-1][0] > _LATE_LOOK_NS:
            self._looks.append((now_ns, harness_ns))
        return max(min(used_ns, late_ns - host_ns), 0), host_ns

    def close(self) -> None:
        """Close the kernel's account of the thread."""
        self._delay.close()
