"""Regressions on purpose, for calibration: a spin in the candidate's slots of a known share of each benchmark's time."""

import dataclasses
import time
from collections.abc import Iterable, Mapping

from harness.session.receipt import Benchmark, Side
from harness.session.slots.block import NULL
from harness.session.slots.slot_program import spin

TAIL_TIMES = 9
"""A call of the tail takes ten times as long: nine times its own time on top."""
_LOOPS = 20_000
_RUNS = 500
_PAUSE_S = 0.01


@dataclasses.dataclass(frozen=True, slots=True)
class Injection:
    """What the candidate gets on top: `spin_share` of each call's time, and with `tail` one slow call in fifty.

    `loop_ns` is what one turn of the loop takes on this machine: see `ns_per_loop`. `call_loops` is how many turns take as
    long as a call, by benchmark, where that is known better than by a session's discovery.
    """

    loop_ns: float
    spin_share: float = 0.0
    tail: bool = False
    call_loops: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def spin(self, benchmarks: Iterable[Benchmark]) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """Return the loops for each side and benchmark; the others' slots run the same code with none."""
        loops = {one.name: (self.loops(one), self._tail_loops(one)) for one in benchmarks}
        none = dict.fromkeys(loops, (0, 0))
        return {Side.BASE: none, Side.CANDIDATE: loops, NULL: none}

    def loops(self, benchmark: Benchmark) -> int:
        """Return how many loops each call of the candidate gets on top."""
        return round(self.spin_share * self._own(benchmark))

    def _tail_loops(self, benchmark: Benchmark) -> int:
        return round(TAIL_TIMES * self._own(benchmark)) if self.tail else 0

    def _own(self, benchmark: Benchmark) -> float:
        """Return how many loops take as long as one call."""
        discovered_ns = min(benchmark.base_ns or 0.0, benchmark.candidate_ns or 0.0)
        return self.call_loops.get(benchmark.name, discovered_ns / self.loop_ns)


def ns_per_loop() -> float:
    """Return how long one turn of the loop that slots spin takes here.

    It must be that very function: the loop of `timeit.timeit("pass")` has one instruction more, and effects that
    were timed by it were a sixth smaller than they were said to be. The least of many short runs spread over five
    seconds: a neighbour that is busy for one makes a loop look half as slow again, with the same consequence.
    """
    runs_ns = []
    for _ in range(_RUNS):
        start_ns = time.perf_counter_ns()
        spin(_LOOPS)
        runs_ns.append(time.perf_counter_ns() - start_ns)
        time.sleep(_PAUSE_S)
    return min(runs_ns) / _LOOPS
