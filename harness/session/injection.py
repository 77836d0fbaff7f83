"""Regressions on purpose, for calibration: a spin in the candidate's slots of a known share of each benchmark's time."""

import dataclasses
import time
import timeit
from collections.abc import Iterable, Mapping

from harness.session.block import NULL
from harness.session.receipt import Benchmark, Side

TAIL_TIMES = 9
"""A call of the tail takes ten times as long: nine times its own time on top."""
_LOOPS = 20_000
_RUNS = 150
_PAUSE_S = 0.008


@dataclasses.dataclass(frozen=True, slots=True)
class Injection:
    """What the candidate gets on top: `spin_share` of each call's time, and with `tail` one slow call in fifty."""

    spin_share: float = 0.0
    tail: bool = False

    def spin(self, benchmarks: Iterable[Benchmark]) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """Return the loops for each side and benchmark; the others' slots run the same code with none."""
        loop_ns = ns_per_loop()
        loops = {one.name: self._loops(one, loop_ns) for one in benchmarks}
        none = dict.fromkeys(loops, (0, 0))
        return {Side.BASE: none, Side.CANDIDATE: loops, NULL: none}

    def _loops(self, benchmark: Benchmark, loop_ns: float) -> tuple[int, int]:
        own = min(benchmark.base_ns or 0.0, benchmark.candidate_ns or 0.0) / loop_ns
        return round(self.spin_share * own), round(TAIL_TIMES * own) if self.tail else 0


def ns_per_loop() -> float:
    """Return how long one turn of an empty counted loop takes here; `timeit` runs the very loop that slots spin.

    The least of many short runs spread over a second: a neighbour that is busy for that long makes a loop look
    half as slow again, and the effect would be so much smaller than it is said to be.
    """
    runs_ns = []
    for _ in range(_RUNS):
        runs_ns.append(timeit.timeit("pass", number=_LOOPS) * 1e9)
        time.sleep(_PAUSE_S)
    return min(runs_ns) / _LOOPS
