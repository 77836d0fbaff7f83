"""Measure the resources that child processes of this process use: ended and running ones, and their own children.

A slot loads this file by its path, so it imports nothing of the harness. It reads the kernel's accounts, which takes
some 20 us without children.
"""

import contextlib
import os
import resource
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_CPUCLOCK_SCHED = 2
_LEAST_CPU_S = 0.001


class Usage(NamedTuple):
    """The accounts at one moment. `running` is the CPU time of each child, in seconds, by (pid, ticks of its start)."""

    ended_cpu_s: float
    ended_faults: int
    running: Mapping[tuple[int, int], float]


class Growth(NamedTuple):
    """Resources that children used between two moments."""

    cpu_s: float
    most_rss_bytes: int
    """Upper bound for a single child: the kernel includes what this process held when it started the child."""
    running: int
    """Number of children still running at the end."""


def usage() -> Usage:
    """Return the current accounts."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    faults = ended.ru_minflt + ended.ru_majflt
    running = {key: cpu_s for pid in descendants(os.getpid()) for key, cpu_s in _running(pid)}
    return Usage(ended.ru_utime + ended.ru_stime, faults, running)


def growth(before: Usage) -> Growth | None:
    """Return the resources that children have used since `before`; None where none started, worked or ended."""
    after = usage()
    new_s = sum(cpu_s - before.running.get(key, 0.0) for key, cpu_s in after.running.items())
    already_s = sum(cpu_s for key, cpu_s in before.running.items() if key not in after.running)
    has_ended = after.ended_faults > before.ended_faults
    cpu_s = new_s + max(after.ended_cpu_s - before.ended_cpu_s - (already_s if has_ended else 0.0), 0.0)
    if not has_ended and after.running.keys() <= before.running.keys() and cpu_s < _LEAST_CPU_S:
        return None
    # The kernel keeps the maximum over all children that ever ended here: an upper bound where earlier ones were larger.
    ended_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 if has_ended else 0
    peaks = [_peak_rss_bytes(pid) for pid, _ in after.running]
    return Growth(cpu_s, max([ended_bytes, *peaks]), len(after.running))


def unseen(before: Usage) -> str:
    """Return why a trace of this process misses allocations since `before`; empty where no child did anything."""
    grown = growth(before)
    if grown is None:
        return ""
    return f"child processes worked meanwhile ({grown.cpu_s:.2g} s of CPU): their allocations are not counted"


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below `pid`, parents before their children, including ended ones that nobody has reaped."""
    with contextlib.suppress(OSError, ValueError):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - in a slot every object counts
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:  # noqa: PTH123 - as above
                for child in map(int, file.read().split()):
                    yield child
                    yield from descendants(child)


def _running(pid: int) -> Iterator[tuple[tuple[int, int], float]]:
    """Yield key and CPU time of a process; nothing if it is gone or a zombie."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] not in {"Z", "X"}:
            yield (pid, int(fields[19])), time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def _peak_rss_bytes(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
