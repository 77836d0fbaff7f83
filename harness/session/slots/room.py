"""Measure how many CPUs this session may use, and how many of them other processes leave idle."""

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

LEAST_CPUS = 2
"""Number of CPUs on which two things can run at the same time."""
MOST_TAKEN = 0.25
"""Largest share of the session's CPUs that other processes may take where a benchmark's threads or children need them."""
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_STAT = Path("/proc/stat")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpus() -> float:
    """Return the number of CPUs whose time this process can use: by its affinity, and by the quota of its container."""
    return min(len(os.sched_getaffinity(0)), *_quotas(), math.inf)


def taken_share(seconds: float) -> float:
    """Sleep, and return the share of the session's CPUs that other processes took meanwhile; 0 where the kernel does not tell."""
    mine = os.sched_getaffinity(0)
    before_s, start_s = _idle_s(mine), time.monotonic()
    time.sleep(seconds)
    after_s, whole_s = _idle_s(mine), (time.monotonic() - start_s) * len(mine)
    return 0.0 if before_s is None or after_s is None else max(0.0, 1 - (after_s - before_s) / whole_s)


def _idle_s(mine: set[int]) -> float | None:
    names = {f"cpu{number}" for number in mine}
    try:
        lines = (line.split() for line in _STAT.read_text().splitlines())
        idle = [int(line[4]) + int(line[5]) for line in lines if line and line[0] in names]
    except (OSError, ValueError, IndexError):
        return None
    # Some sandboxes report zeros only.
    return sum(idle) * _TICK_S or None


def _quotas() -> Iterator[float]:
    """Yield the quota of each enclosing control group that has one, in CPUs."""
    try:
        lines = _OWN_GROUP.read_text().splitlines()
    except OSError:
        return
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    place = _CGROUPS / own
    for folder in (place, *place.parents):
        try:
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)
        except (OSError, ValueError):
            continue
