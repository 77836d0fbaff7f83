"""Run the threads of one test: start them, notice their faults, wait for them, and add up what they counted."""

import threading
from collections.abc import Callable

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError
from harness.load.threads.caller import Caller, Gate
from harness.load.threads.lateness import Lateness
from harness.load.trouble import as_trouble
from harness.run.facts import ThreadCpu
from harness.target.failures import Failure, merged

# The main thread looks this often whether a signal has asked it to stop.
_POLL_S = 0.05
# When the user stops a run, calls in flight have this long to complete.
_STOP_GRACE_NS = 2_000_000_000


class Crew:
    """The threads of one test. They are daemons: a call that never returns ends with the process."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.stopping = threading.Event()
        self.trouble: HarnessError | None = None
        """Error that ended the run early; None for a full run."""
        self.callers: list[Caller] = []
        self.running = 0
        """Number of calls that still ran when the table was closed."""
        self._aside_cpu_ns: list[list[int]] = []
        self._is_asked = False
        self._halts: list[tuple[int, int]] = []

    def ask_to_stop(self) -> None:
        """Stop the run soon: for a signal handler, which may interrupt any code of the main thread."""
        self._is_asked = True

    def is_stopped(self) -> bool:
        """Return True once the run must end early; for the main thread."""
        if self._is_asked and not self.stopping.is_set():
            self.stopping.set()
        return self.stopping.is_set()

    def fail(self, error: BaseException) -> None:
        """End the run because of an error; only the first one is kept."""
        self.trouble = self.trouble or as_trouble(error)
        self.stopping.set()

    def start(self, work: Callable[[Caller], None], caller: Caller) -> None:
        """Start a thread that makes the calls of `caller`. Raises `HarnessError` if the machine allows no more threads."""
        self.callers.append(caller)
        self._aside_cpu_ns.append(caller.aside_cpu_ns)

        def run() -> None:
            try:
                work(caller)
            except BaseException as error:  # noqa: BLE001 - a thread that died silently would reduce the load unnoticed
                self.fail(error)

        try:
            threading.Thread(target=run, name=f"caller-{len(self.callers)}", daemon=True).start()
        except RuntimeError as error:
            raise HarnessError(
                f"The machine allows no more than {len(self.callers) - 1} threads that make calls",
                remedy="Raise the limit of threads (ulimit -u, the container's pids limit), or give fewer --users or less --in-flight",
            ) from error

    def wait(self, event: threading.Event, deadline_ns: int) -> None:
        """Wait in the main thread for an event, until the clock shows `deadline_ns`, or soon after a request to stop."""
        while not event.is_set() and (left_ns := deadline_ns - SystemClock.now_ns()) > 0:
            event.wait(min(left_ns / NS_PER_S, _POLL_S))
            if self.is_stopped():
                deadline_ns = min(deadline_ns, SystemClock.now_ns() + _STOP_GRACE_NS)

    def harness_cpu_ns(self) -> int:
        """Return the CPU time of all threads outside of calls."""
        return sum([one[0] for one in self._aside_cpu_ns])

    def halted(self, lateness: Lateness) -> None:
        """Take over what a thread noticed of the process standing still."""
        self._halts.append((lateness.halted_ns, lateness.longest_halt_ns))
        lateness.close()

    @property
    def halts_ns(self) -> tuple[int, int]:
        """Total and longest time in which the process stood still, as one thread noticed it at worst."""
        return max(self._halts, default=(0, 0))

    def failures(self) -> list[Failure]:
        """Return the kinds of failures of all threads."""
        return merged([caller.failures for caller in self.callers])

    def aside_ns(self) -> int:
        """Return the time that all threads spent on judging answers and renewing events."""
        return sum(caller.aside_ns for caller in self.callers)

    def cpu(self, names: list[str]) -> dict[str, ThreadCpu]:
        """Return the calls of the measured time and their CPU time, by operation."""
        columns = zip(*(caller.cpu() for caller in self.callers), strict=True)
        return {
            name: ThreadCpu(calls=sum(one.calls for one in column), cpu_ns=sum(one.cpu_ns for one in column))
            for name, column in zip(names, columns, strict=False)
        }
