"""Find out why a thread starts a call late: the machine, code of the target, or the harness itself.

The threads of a process share one lock of the interpreter, so a thread is late whenever another one runs for long. That is
told by CPU times: what the process used, less what the harness used, was used by the target. Time in which no thread used a
processor is the machine's.
"""

import time
from collections.abc import Callable

from harness.clock import SystemClock
from harness.load.looks import Looks
from harness.load.run_delay import HALT_NS, UNEXPLAINED_NS, RunDelay

# Shortest time between two looks, while nothing is late and when something is: a look costs some 4 us.
_LOOK_NS, _LATE_LOOK_NS = 1_000_000, 200_000


class Lateness:
    """The causes of late starts in the thread that made this object. `harness_ns` returns the CPU time of the harness."""

    def __init__(self, harness_ns: Callable[[], int]) -> None:
        self._harness_ns = harness_ns
        self._delay = RunDelay()
        self.halted_ns = self.longest_halt_ns = self._halt_end_ns = 0
        """Total and longest time in which no thread ran, although this one had work and did not wait for a processor, in ns."""
        # CPU time of the process and of the harness, and run delay of this thread by each look: causes older than these no
        # longer explain a lag.
        self._looks = Looks(0, *self._times())

    def _times(self) -> tuple[int, int, int]:
        # The file last: reading it gives the lock of the interpreter away.
        return time.process_time_ns(), self._harness_ns(), self._delay.total_ns()

    def look(self, now_ns: int) -> None:
        """Read the times if the last look was over 1 ms ago; call it before waiting for a due time."""
        if now_ns - self._looks.last_ns > _LOOK_NS:
            times = self._times()
            # Stamped afterwards: a call that ran meanwhile is no cause of delays after the stamp.
            self._looks.add(SystemClock.now_ns(), *times)

    def causes(self, due_ns: int, now_ns: int) -> tuple[int, int]:
        """Return the parts of a start delay that the target and the machine caused, in ns; the rest is the harness's own."""
        late_ns = now_ns - due_ns
        if late_ns <= UNEXPLAINED_NS:
            return 0, 0
        times = self._times()
        before = self._looks.before(due_ns)
        process_ns, own_ns, delay_ns = (now - then for now, then in zip(times, before[1:], strict=True))
        if now_ns - self._looks.last_ns > _LATE_LOOK_NS:
            self._looks.add(SystemClock.now_ns(), *times)
        self._note_halt(due_ns, now_ns, late_ns - process_ns - delay_ns)
        target_ns = max(min(process_ns - own_ns, late_ns), 0)
        idle_ns = max(late_ns - target_ns - own_ns, 0)
        return target_ns, idle_ns if idle_ns > UNEXPLAINED_NS else min(delay_ns, idle_ns)

    def _note_halt(self, due_ns: int, now_ns: int, halted_ns: int) -> None:
        # A call that came due towards the end of a halt is late by less than the halt, and those late together share it.
        if halted_ns > (0 if due_ns < self._halt_end_ns else HALT_NS):
            new_ns = min(halted_ns, now_ns - self._halt_end_ns)
            self._halt_end_ns = now_ns
            self.halted_ns += new_ns
            self.longest_halt_ns = max(self.longest_halt_ns, new_ns)

    def close(self) -> None:
        """Close the kernel's account of the thread."""
        self._delay.close()
