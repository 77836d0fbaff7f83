"""A disturbance: processes that spin, pinned to the cores that a session is not, or is, using."""

import contextlib
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.calibrate.effects import Disturbance
from harness.supervise import Supervisor

# Each child spins while its turn lasts and sleeps until the next: `work` seconds of every `turn`.
_SPIN = """
import os, random, sys, time
cpu, work_s, rest_s, seed = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
os.sched_setaffinity(0, {cpu})
rng = random.Random(seed)
while True:
    end = time.monotonic() + work_s * rng.uniform(0.5, 1.5)
    while time.monotonic() < end:
        pass
    if rest_s:
        time.sleep(rest_s * rng.uniform(0.5, 1.5))
"""
_BURST_S = 0.4
_REST_S = 1.6


@contextlib.contextmanager
def disturbed(
    disturbance: Disturbance, session_cpu: int, supervisor: Supervisor, log: Path, seed: int
) -> Iterator[None]:
    """Keep the machine as busy as `disturbance` says while the block runs; `session_cpu` is the session's core."""
    cores = sorted(os.sched_getaffinity(0))
    others = [core for core in cores if core != session_cpu] or cores
    busy = {
        Disturbance.QUIET: [],
        Disturbance.OTHER_CORE: others[:1],
        Disturbance.SAME_CORE: [session_cpu],
        Disturbance.BURSTS: cores,
    }[disturbance]
    rest_s = _REST_S if disturbance is Disturbance.BURSTS else 0.0
    rng = random.Random(seed)
    with contextlib.ExitStack() as stack:
        for core in busy:
            words = [str(core), str(_BURST_S), str(rest_s), str(rng.randrange(1 << 30))]
            child = supervisor.start(f"busy-{core}", [sys.executable, "-c", _SPIN, *words], log=log)
            stack.callback(child.stop)
        yield
