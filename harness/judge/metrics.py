"""The metrics that are compared in pairs, and which of them decide."""

import dataclasses
import enum
import math

ALL = "all"
"""Operation of a load segment that stands for the whole."""
IMPORT = "import"
"""Benchmark that holds the cost of importing the benchmarks, once in every slot."""
PROCESS = "process"
"""Benchmark that holds what concerns a slot's whole process, and none of its benchmarks alone."""
FIXED_LOOP = "fixed_loop"
"""Metric of the process: the time of the sentinel's loop, which no code of either side is in."""


class Scale(enum.StrEnum):
    """The scale of a metric's change."""

    RATIO = "ratio"
    DIFFERENCE = "difference"

    def change(self, base: float, candidate: float) -> float:
        """Return the change, additive over blocks."""
        return math.log(candidate / base) if self is Scale.RATIO else candidate - base

    def share(self, change: float) -> float:
        """Return the change as a share: 0.03 for 3 % more."""
        return math.expm1(change) if self is Scale.RATIO else change

    def margin(self, share: float) -> float:
        """Return a margin on the scale of the changes. For a ratio it is symmetric in base and candidate."""
        return math.log1p(share) if self is Scale.RATIO else share


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """A metric that is compared in pairs. `worse` is +1 if more of it is worse, -1 if less is.

    A metric that is `watched` never extends a session and need not be cleared: it counts once fresh blocks confirm a
    change, or once it is cleared by the way. A change of less than `floor`, in `unit`, is ignored.
    """

    name: str
    unit: str = "ns"
    worse: int = 1
    scale: Scale = Scale.RATIO
    watched: bool = False
    floor: float = 0.0


LEAST_START_NS = 1e6
"""Smallest change of a first call or an import that matters, in ns: below a millisecond nobody waits for it."""
WALL = Metric("wall")
"""Median time of a slice: the usual call. It decides."""
CPU_MEAN = Metric("cpu_mean")
"""CPU time of all calls, of all threads and ended children: rare slow calls count too. It decides where calls mostly compute."""
WALL_MEAN = Metric("wall_mean", watched=True)
"""Time of all calls, with waiting."""
FIRST_CALL = Metric("first_call", watched=True, floor=LEAST_START_NS)
FIRST_CALL_CPU = Metric("first_call_cpu", watched=True, floor=LEAST_START_NS)
COLD_START = Metric("cold_start", watched=True, floor=LEAST_START_NS)
COLD_START_CPU = Metric("cold_start_cpu", watched=True, floor=LEAST_START_NS)
IDLE_CPU = Metric("idle_cpu", unit="share", scale=Scale.DIFFERENCE, watched=True)
"""CPU use of a process that nobody calls, as a share of a core."""
LOAD_METRICS = {
    "throughput_per_s": Metric("throughput", unit="1/s", worse=-1),
    "p50_ns": Metric("p50"),
    "p95_ns": Metric("p95"),
    "p99_ns": Metric("p99"),
    "error_share": Metric("errors", unit="share", scale=Scale.DIFFERENCE),
    "cold_start_ns": COLD_START,
}
"""Metrics of a load segment, by their name in it."""
