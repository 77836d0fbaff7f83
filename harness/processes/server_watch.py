"""Sample the resources of a server's process tree, read from /proc by the supervisor."""

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

from harness.processes.children import descendants
from harness.run.documents import ServerUsage

_FIRST_PAUSE_S = 0.2
_MOST_READINGS = 600
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2
# In /proc/PID/stat, counted from the state.
_STATE, _THREADS, _RSS = 0, 17, 21
_OF_WAITED_FOR = slice(13, 15)
"""CPU time, in ticks, of the children that ended and were waited for, and of theirs."""


class Reading(NamedTuple):
    """The resources at one moment, in the units of `ServerUsage`."""

    cpu_s: float
    rss_bytes: int
    descriptors: int
    threads: int
    processes: int


class ServerWatch:
    """Readings over a run. Call `tick` with the seconds since time zero, a few times a second.

    Of a long run every second reading is dropped and the pause doubled, as often as needed: the list stays short.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._pause_s = _FIRST_PAUSE_S
        self._next_s = -float("inf")
        self._readings: list[tuple[float, Reading]] = []
        self._cpu_s = 0.0

    def tick(self, elapsed_s: float) -> None:
        """Take a reading if it is time; a server that has ended keeps its last one."""
        if elapsed_s < self._next_s:
            return
        found = self._read()
        if found is None:
            return
        self._readings.append((elapsed_s, found))
        if len(self._readings) >= _MOST_READINGS:
            self._readings = self._readings[::2]
            self._pause_s *= 2
        self._next_s = elapsed_s + self._pause_s

    def usage(self) -> ServerUsage:
        """Return all readings."""
        rows = [reading for _, reading in self._readings]
        return ServerUsage(
            at_s=[at_s for at_s, _ in self._readings],
            cpu_s=[row.cpu_s for row in rows],
            rss_bytes=[row.rss_bytes for row in rows],
            descriptors=[row.descriptors for row in rows],
            threads=[row.threads for row in rows],
            processes=[row.processes for row in rows],
        )

    def _read(self) -> Reading | None:
        """Return the resources of the tree now; None if its first process is gone."""
        first = self._of(self._pid)
        if first is None:
            return None
        below = filter(None, map(self._of, descendants(self._pid)))
        found = Reading(*map(sum, zip(first, *below, strict=True)))
        # The time of a process that ended and was not waited for is in no account any more.
        self._cpu_s = max(self._cpu_s, found.cpu_s)
        return found._replace(cpu_s=self._cpu_s)

    def _of(self, pid: int) -> Reading | None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if fields[_STATE] in {"Z", "X"}:
                return None
            return Reading(
                time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
                + sum(map(int, fields[_OF_WAITED_FOR])) * _TICK_S,
                int(fields[_RSS]) * _PAGE_BYTES,
                sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
                int(fields[_THREADS]),
                1,
            )
        return None
