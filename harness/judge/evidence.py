"""Turn blocks into changes: the evidence for each comparison, and the gaps in it.

A change is the logarithm of candidate over base, or their difference where the metric is a share. A block with
missing data is a gap and not skipped: slowness may be the cause of the missing data.
"""

import dataclasses
import enum
import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from harness.judge.blocks import MOST_BAD, AnyBlock, Sorted, plausible
from harness.session.receipt import (
    NULL_CONTROL,
    Benchmark,
    Block,
    LoadBlock,
    Phase,
    Segment,
    Side,
    Slices,
    State,
)

ALL = "all"
"""Operation of a load segment that stands for the whole."""
IMPORT = "import"
"""Benchmark that holds the cost of importing the benchmarks, once in every slot; its metric is `cold_start`."""


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
    """A metric that is compared in pairs. `worse` is +1 if more of it is worse, -1 if less is."""

    name: str
    unit: str = "ns"
    worse: int = 1
    scale: Scale = Scale.RATIO


WALL = Metric("wall")
CPU = Metric("cpu")
COLD_START = Metric("cold_start")
LOAD_METRICS = {
    "throughput_per_s": Metric("throughput", unit="1/s", worse=-1),
    "p50_ns": Metric("p50"),
    "p95_ns": Metric("p95"),
    "p99_ns": Metric("p99"),
    "error_share": Metric("errors", unit="share", scale=Scale.DIFFERENCE),
    "cold_start_ns": COLD_START,
}
"""Metrics of a load segment, by their name in it."""


class DamagedError(ValueError):
    """A block holds an impossible measurement."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """The result of one block on one metric."""

    base: float
    candidate: float
    change: float


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """All evidence of a session on one metric of one benchmark."""

    benchmark: str
    metric: Metric
    screened: tuple[Pair, ...] = ()
    """Blocks of screen and extension."""
    confirmed: tuple[Pair, ...] = ()
    trouble: str = ""
    """Missing or damaged data; with any of it no verdict is possible."""
    thin: str = ""
    """The reason for too little evidence to clear anything."""


Reader = Callable[[AnyBlock], Pair | None]


def gather(benchmark: str, metric: Metric, blocks: Iterable[AnyBlock], read: Reader[AnyBlock]) -> Evidence:
    """Return the evidence that `read` finds in the blocks; it returns None for a block without the benchmark.

    Every block of the screen must hold the benchmark, and every block of a later phase in which any block does.
    """
    by_phase: dict[Phase, list[Pair]] = {phase: [] for phase in Phase}
    missing: dict[Phase, list[int]] = {phase: [] for phase in Phase}
    for block in blocks:
        try:
            pair = read(block)
        except DamagedError as error:
            return Evidence(benchmark, metric, trouble=f"block {block.number} is damaged: {error}")
        if pair is None:
            missing[block.phase].append(block.number)
        else:
            by_phase[block.phase].append(pair)
    gaps = [
        number for phase in Phase if phase is Phase.SCREEN or by_phase[phase] for number in missing[phase]
    ]
    trouble = f"missing from block {', '.join(map(str, gaps))}" if gaps else ""
    screened = (*by_phase[Phase.SCREEN], *by_phase[Phase.EXTEND])
    return Evidence(benchmark, metric, screened, tuple(by_phase[Phase.CONFIRM]), trouble)


def micro_evidence(benchmarks: Sequence[Benchmark], blocks: Sorted[Block]) -> list[Evidence]:
    """Return the evidence on every benchmark of both sides: wall time, and CPU time where it was measured."""
    found = []
    for benchmark in benchmarks:
        if benchmark.state is State.BOTH and benchmark.name != NULL_CONTROL:
            found.append(wall_evidence(benchmark, blocks))
            if any(_has_cpu(block, benchmark.name) for block in blocks.good):
                found.append(_cpu_evidence(benchmark, blocks))
    if any(block.import_ns for block in blocks.good):
        found.append(gather(IMPORT, COLD_START, blocks.good, _read_import))
    return found


def wall_evidence(benchmark: Benchmark, blocks: Sorted[Block]) -> Evidence:
    """Return the evidence on the wall time of one benchmark."""

    def read(block: Block) -> Pair | None:
        slices = block.slices.get(benchmark.name)
        return None if slices is None else _slices_pair(slices, benchmark)

    evidence = gather(benchmark.name, WALL, blocks.good, read)
    failed = (block.failed[benchmark.name] for block in blocks.good if benchmark.name in block.failed)
    if evidence.trouble and (why := next(failed, "")):
        return dataclasses.replace(evidence, trouble=f"{evidence.trouble}: {why}")
    return evidence


def _slices_pair(slices: Slices, benchmark: Benchmark) -> Pair:
    """Return the median log ratio of the slices, and the median time of a call on each side."""
    if len(slices.base_ns) < benchmark.pairs:
        raise DamagedError(f"{len(slices.base_ns)} of {benchmark.pairs} pairs of slices")
    if len(slices.first) != len(slices.base_ns) or not {0, 1}.issuperset(slices.first):
        raise DamagedError("the order of its slices is not recorded")
    return _median_pair(slices.base_ns, slices.candidate_ns, benchmark.calls)


def _median_pair(base_ns: Sequence[float], candidate_ns: Sequence[float], calls: int) -> Pair:
    if not base_ns or len(base_ns) != len(candidate_ns):
        raise DamagedError(f"{len(base_ns)} slices of the base and {len(candidate_ns)} of the candidate")
    if calls < 1 or not all(map(plausible, (*base_ns, *candidate_ns))):
        raise DamagedError("an implausible time")
    ratios = [math.log(after / before) for before, after in zip(base_ns, candidate_ns, strict=True)]
    return Pair(
        statistics.median(base_ns) / calls, statistics.median(candidate_ns) / calls, statistics.median(ratios)
    )


def _has_cpu(block: Block, name: str) -> bool:
    slices = block.slices.get(name)
    return slices is not None and bool(slices.base_cpu_ns or slices.candidate_cpu_ns)


def _cpu_evidence(benchmark: Benchmark, blocks: Sorted[Block]) -> Evidence:
    def read(block: Block) -> Pair | None:
        slices = block.slices.get(benchmark.name)
        if slices is None:
            return None
        return _median_pair(slices.base_cpu_ns, slices.candidate_cpu_ns, benchmark.calls)

    return gather(benchmark.name, CPU, blocks.good, read)


def _read_import(block: Block) -> Pair | None:
    sides = [block.import_ns.get(side) for side in Side]
    if None in sides:
        return None
    base, candidate = (float(value or 0) for value in sides)
    return _median_pair([base], [candidate], 1)


def load_evidence(blocks: Sorted[LoadBlock]) -> list[Evidence]:
    """Return the evidence on every operation of the segments, and every metric of it."""
    segments = [segment for block in blocks.good for segment in (block.base, block.candidate) if segment]
    named = dict.fromkeys(
        (operation, metric) for segment in segments for operation in segment.values for metric in LOAD_METRICS
    )
    found = (_one_load_evidence(operation, metric, blocks) for operation, metric in named)
    return [evidence for evidence in found if evidence is not None]


def _one_load_evidence(operation: str, metric: str, blocks: Sorted[LoadBlock]) -> Evidence | None:
    """Return the evidence on one metric; None if no segment has it. Blocks without it on both sides are skipped."""
    holding = [_sides_with(block, operation, metric) for block in blocks.good]
    if not any(holding):
        return None
    lopsided = [_sides_with(block, operation) == 1 for block in blocks.good]
    telling = [
        block for block, sides, one in zip(blocks.good, holding, lopsided, strict=True) if sides == 2 or one
    ]
    evidence = gather(
        operation,
        LOAD_METRICS[metric],
        telling,
        lambda block: segments_pair(block.base, block.candidate, operation, metric),
    )
    silent = len(blocks.good) - len(telling)
    if silent > MOST_BAD * len(blocks.good):
        thin = f"too few calls in {silent} of {len(blocks.good)} blocks"
        return dataclasses.replace(evidence, thin=thin)
    return evidence


def _sides_with(block: LoadBlock, operation: str, metric: str | None = None) -> int:
    """Return the number of sides (0 to 2) that measured the operation, or one metric of it."""
    measured = (segment.values.get(operation) for segment in (block.base, block.candidate) if segment)
    return sum(values is not None and (metric is None or metric in values) for values in measured)


def segments_pair(base: Segment | None, other: Segment | None, operation: str, metric: str) -> Pair | None:
    """Return one metric of two segments; None if either lacks the operation or that metric.

    Raises `DamagedError` for an impossible value.
    """
    if base is None or other is None:
        return None
    values = [segment.values.get(operation, {}).get(metric) for segment in (base, other)]
    if None in values:
        return None
    before, after = (float(value or 0) for value in values)
    scale = LOAD_METRICS[metric].scale
    fine = (
        all(map(plausible, (before, after))) if scale is Scale.RATIO else 0 <= before <= 1 and 0 <= after <= 1
    )
    if not fine:
        raise DamagedError(f"an implausible value of {metric}")
    return Pair(before, after, scale.change(before, after))
