"""Measure the work of a slot's process beside its main thread: other threads, and child processes.

A slot's program loads this file by its path: it imports nothing of the harness.
"""

import _thread
import os
import runpy
import time

_PROCESSES = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "processes")  # noqa: PTH118, PTH120 - few imports
_CHILDREN = runpy.run_path(os.path.realpath(os.path.join(_PROCESSES, "children.py")))  # noqa: PTH118
usage, growth = _CHILDREN["usage"], _CHILDREN["growth"]
NONE, THREADS, CHILDREN = "none", "threads", "children"
"""The values of `harness.session.receipt.Concurrency`."""
LEAST_SHARE = 0.02
LEAST_NS = 200_000
"""CPU time beside the main thread that counts: more than this share of the calls' wall time, and more than this, in ns.
Without other threads and children the figure is below a microsecond, however busy the machine is."""
_LOOK_S = 0.05


class Beside:
    """The work beside the main thread since this object was made."""

    def __init__(self) -> None:
        self._children = usage()
        self._threads_ns = _other_threads_ns()

    def threads_ns(self) -> int:
        """Return the CPU time of the other threads, in ns."""
        return max(_other_threads_ns() - self._threads_ns, 0)

    def children_ns(self) -> int:
        """Return the CPU time of child processes, ended and running, in ns."""
        grown = growth(self._children)
        return round(grown.cpu_s * 1e9) if grown else 0

    def cpu_ns(self) -> int:
        """Return the CPU time of both, in ns."""
        return self.threads_ns() + self.children_ns()

    def kind(self, wall_ns: float) -> str:
        """Return the kind of work, if there was a substantial amount for calls of this wall time, in ns."""
        least_ns = max(LEAST_NS, LEAST_SHARE * wall_ns)
        if self.children_ns() > least_ns:
            return CHILDREN
        return THREADS if self.threads_ns() > least_ns else NONE


def present() -> str:
    """Return the kind of what runs beside the main thread now, whether it works or not.

    Of threads only Python's own count: those of compiled libraries exist in many processes and mostly rest.
    """
    if usage().running:
        return CHILDREN
    return THREADS if _thread._count() else NONE  # noqa: SLF001 - `threading` misses those of other modules


def busy() -> str:
    """Return the kind of what works beside the main thread now; looks for 50 ms, and not at all without any."""
    if present() == NONE:
        return NONE
    beside = Beside()
    time.sleep(_LOOK_S)
    return beside.kind(_LOOK_S * 1e9)


def idle_share(seconds: float) -> float:
    """Sleep, and return the CPU time of the whole process and its children meanwhile, as a share of a core."""
    beside = Beside()
    own_ns, start_ns = time.thread_time_ns(), time.perf_counter_ns()
    time.sleep(seconds)
    wall_ns = time.perf_counter_ns() - start_ns
    return (time.thread_time_ns() - own_ns + beside.cpu_ns()) / wall_ns


def _other_threads_ns() -> int:
    return time.process_time_ns() - time.thread_time_ns()
