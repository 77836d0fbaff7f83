"""Disturb the machine with processes that spin, pinned to the session's core or to others."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.calibrate.effects import Disturbance
from harness.supervise import Supervisor

# Each child spins while its turn lasts and sleeps until the next: `work` seconds of every `turn`.
_SPIN = """
import os, random, sys, time
cpu, work_s, rest_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
os.sched_setaffinity(0, {cpu})
rng = random.Random(cpu)
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
    disturbance: Disturbance, core: int, cores: Sequence[int], supervisor: Supervisor, log: Path
) -> Iterator[None]:
    """Keep the machine as busy as `disturbance` defines while the block runs; `core`, of `cores`, is the session's."""
    others = [other for other in cores if other != core] or cores
    busy = {
        Disturbance.QUIET: [],
        Disturbance.OTHER_CORE: others[:1],
        Disturbance.SAME_CORE: [core],
        Disturbance.BURSTS: cores,
    }[disturbance]
    rest_s = _REST_S if disturbance is Disturbance.BURSTS else 0.0
    with contextlib.ExitStack() as stack:
        for place in busy:
            words = [str(place), str(_BURST_S), str(rest_s)]
            child = supervisor.start(f"busy-{place}", [sys.executable, "-c", _SPIN, *words], log=log)
            stack.callback(child.stop)
        yield
