"""Inject regressions for calibration: a spin in the candidate's slots, a known share of each benchmark's time."""

import dataclasses
import time
from collections.abc import Iterable, Mapping

from harness.session.receipt import Benchmark, Side
from harness.session.slots.block import NULL
from harness.session.slots.slot_program import spin

TAIL_TIMES = 9
"""Extra time of a tail call, in multiples of its own time: it takes ten times as long in all."""
_LOOPS = 20_000
_RUNS = 500
_PAUSE_S = 0.01


@dataclasses.dataclass(frozen=True, slots=True)
class Injection:
    """Work added to the candidate: `spin_share` of each call's time, and with `tail` one slow call in fifty.

    `loop_ns` is the time of one turn of the loop on this machine: see `ns_per_loop`. `call_loops` is the time of a call in
    turns, by benchmark, where a better figure than the session's discovery exists.
    """

    loop_ns: float
    spin_share: float = 0.0
    tail: bool = False
    call_loops: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def spin(self, benchmarks: Iterable[Benchmark]) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """Return the loops for each side and benchmark; the other sides' slots run the same code with zero loops."""
        loops = {one.name: (self.loops(one), self._tail_loops(one)) for one in benchmarks}
        none = dict.fromkeys(loops, (0, 0))
        return {Side.BASE: none, Side.CANDIDATE: loops, NULL: none}

    def loops(self, benchmark: Benchmark) -> int:
        """Return the number of loops added to each call of the candidate."""
        return round(self.spin_share * self._own(benchmark))

    def _tail_loops(self, benchmark: Benchmark) -> int:
        return round(TAIL_TIMES * self._own(benchmark)) if self.tail else 0

    def _own(self, benchmark: Benchmark) -> float:
        """Return the time of one call, in loops."""
        discovered_ns = min(benchmark.base_ns or 0.0, benchmark.candidate_ns or 0.0)
        return self.call_loops.get(benchmark.name, discovered_ns / self.loop_ns)


def ns_per_loop() -> float:
    """Return the time of one turn of the loop that slots spin, in ns.

    It must be that very function: the loop of `timeit.timeit("pass")` has one instruction more, and effects timed
    by it were a sixth smaller than stated. Takes the minimum of many short runs spread over five seconds: a neighbour
    that is busy for one of them slows a loop by half, with the same consequence.
    """
    runs_ns = []
    for _ in range(_RUNS):
        start_ns = time.perf_counter_ns()
        spin(_LOOPS)
        runs_ns.append(time.perf_counter_ns() - start_ns)
        time.sleep(_PAUSE_S)
    return min(runs_ns) / _LOOPS
