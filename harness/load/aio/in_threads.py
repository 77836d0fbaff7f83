"""Measure the work that calls hand to threads: `asyncio.to_thread`, executors, the thread pools of web frameworks.

To the split it is waiting, since the event loop is free meanwhile. So it is counted beside the split.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from harness.run.facts import InThreads
from harness.target.carrying import Runner


class ThreadWork:
    """Functions that ran in other threads than the one that made this object, by operation."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._home = threading.get_ident()
        self._lock = threading.Lock()
        self._sums: dict[str, list[int]] = {}

    def watched(self, name: str, run: Runner) -> Runner:
        """Return `run` for work of operation `name`, which is counted where another thread does it."""

        def run_watched(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() == self._home:
                return run(function, *args, **kwargs)
            start_ns, cpu_ns = self._now_ns(), time.thread_time_ns()
            try:
                return run(function, *args, **kwargs)
            finally:
                self._add(name, self._now_ns() - start_ns, time.thread_time_ns() - cpu_ns)

        return run_watched

    def _add(self, name: str, length_ns: int, cpu_ns: int) -> None:
        with self._lock:
            sums = self._sums.setdefault(name, [0, 0])
            sums[0] += length_ns
            sums[1] += cpu_ns

    def clear(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._sums.clear()

    def found(self) -> dict[str, InThreads]:
        """Return the work so far, by operation."""
        with self._lock:
            return {
                name: InThreads(length_ns=length_ns, cpu_ns=cpu_ns)
                for name, (length_ns, cpu_ns) in self._sums.items()
            }
