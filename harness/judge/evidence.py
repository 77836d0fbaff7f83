"""Turn the blocks of the micro suite into changes: the evidence for each benchmark, for importing, and for the process."""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from harness.judge.blocks import MOST_BAD, Sorted
from harness.judge.gathering import (
    DamagedError,
    Evidence,
    Expect,
    Pair,
    Reader,
    gather,
    median_pair,
    require_plausible,
)
from harness.judge.metrics import (
    COLD_START,
    COLD_START_CPU,
    CPU_MEAN,
    FIRST_CALL,
    FIRST_CALL_CPU,
    IDLE_CPU,
    IMPORT,
    PROCESS,
    WALL,
    WALL_MEAN,
    Metric,
)
from harness.session.receipt import NULL_CONTROL, Benchmark, Block, Concurrency, Side, Slices, State

COMPUTES = 0.5
"""Share of CPU time in the time of a call from which on the call computes more than it waits."""
MOST_CORES = 10_000.0
"""Largest plausible number of cores that a process uses."""


def micro_evidence(benchmarks: Sequence[Benchmark], blocks: Sorted[Block]) -> list[Evidence]:
    """Return the evidence on every benchmark of both sides, on importing them, and on the process as a whole."""
    found: list[Evidence] = []
    for benchmark in benchmarks:
        if benchmark.state is State.BOTH and benchmark.name != NULL_CONTROL:
            found += _of_benchmark(benchmark, blocks)
    good = blocks.good
    if any(block.import_ns for block in good):
        found.append(gather(IMPORT, COLD_START, good, lambda block: _sides_pair(block.import_ns)))
    if any(block.import_cpu_ns for block in good):
        found.append(gather(IMPORT, COLD_START_CPU, good, lambda block: _sides_pair(block.import_cpu_ns)))
    if any(block.idle_cpu for block in good):
        found.append(
            gather(PROCESS, IDLE_CPU, good, _read_idle_cpu, expected=lambda block: bool(block.idle_cpu))
        )
    return found


def _of_benchmark(benchmark: Benchmark, blocks: Sorted[Block]) -> Iterator[Evidence]:
    name, good = benchmark.name, blocks.good
    yield wall_evidence(benchmark, blocks)
    if any(_has_cpu(block, name) for block in good):
        yield _cpu_evidence(benchmark, blocks)
    yield _of_slices(benchmark, WALL_MEAN, blocks, _wall_mean)
    if any(name in block.first_calls for block in good):
        for metric, field in ((FIRST_CALL, "wall_ns"), (FIRST_CALL_CPU, "cpu_ns")):
            yield gather(name, metric, good, _first_calls(name, field), _runs(name))


def wall_evidence(benchmark: Benchmark, blocks: Sorted[Block]) -> Evidence:
    """Return the evidence on the wall time of one benchmark."""
    evidence = _of_slices(benchmark, WALL, blocks, _slices_pair)
    failed = (block.failed[benchmark.name] for block in blocks.good if benchmark.name in block.failed)
    if evidence.trouble and (why := next(failed, "")):
        return dataclasses.replace(evidence, trouble=f"{evidence.trouble}: {why}")
    return evidence


def _of_slices(
    benchmark: Benchmark,
    metric: Metric,
    blocks: Sorted[Block],
    read: Callable[[Slices, Benchmark], Pair],
) -> Evidence:
    name = benchmark.name

    def read_block(block: Block) -> Pair | None:
        slices = block.slices.get(name)
        return None if slices is None else read(slices, benchmark)

    evidence = gather(name, metric, blocks.good, read_block, _runs(name))
    return dataclasses.replace(evidence, thin=_not_alone(benchmark, blocks.good))


def _runs(name: str) -> Expect[Block]:
    """Return a test for the blocks that were to measure the benchmark: all with room for it, until it is decided."""
    return lambda block: (
        name not in block.crowded and (name in block.order or not block.order or name == NULL_CONTROL)
    )


def _not_alone(benchmark: Benchmark, blocks: Iterable[Block]) -> str:
    """Return the reason why a benchmark with work beside its calling thread cannot be judged; empty if it can."""
    if benchmark.concurrency is not Concurrency.NONE:
        return benchmark.note or _crowded(benchmark.name, blocks)
    worked = next((block for block in blocks if benchmark.name in block.beside), None)
    return (
        f"it works beside its calling thread ({worked.beside[benchmark.name]}) since block {worked.number}, and was measured "
        "as if it did not: start that work in the benchmark's first call"
        if worked
        else ""
    )


def _crowded(name: str, blocks: Iterable[Block]) -> str:
    """Return the reason why too few blocks had room for the work of a benchmark; empty if enough had."""
    ran = [block for block in blocks if name in block.crowded or name in block.slices]
    crowded = [block.crowded[name] for block in ran if name in block.crowded]
    if len(crowded) <= MOST_BAD * len(ran):
        return ""
    return f"{len(crowded)} of {len(ran)} blocks had no room for it (limit {MOST_BAD:.0%}): {crowded[-1]}"


def _slices_pair(slices: Slices, benchmark: Benchmark) -> Pair:
    """Return the median log ratio of the slices, and the median time of a call on each side."""
    if len(slices.base_ns) < benchmark.pairs:
        raise DamagedError(f"{len(slices.base_ns)} of {benchmark.pairs} pairs of slices")
    if len(slices.first) != len(slices.base_ns) or not {0, 1}.issuperset(slices.first):
        raise DamagedError("the order of its slices is not recorded")
    return median_pair(slices.base_ns, slices.candidate_ns, benchmark.calls)


def _wall_mean(slices: Slices, benchmark: Benchmark) -> Pair:
    return _mean_pair(slices.base_ns, slices.candidate_ns, benchmark)


def _mean_pair(base_ns: Sequence[float], candidate_ns: Sequence[float], benchmark: Benchmark) -> Pair:
    """Return the log ratio of the sums of all slices, and the mean time of a call on each side."""
    require_plausible(base_ns, candidate_ns, benchmark.calls)
    base, candidate, calls = sum(base_ns), sum(candidate_ns), benchmark.calls * len(base_ns)
    return Pair(base / calls, candidate / calls, math.log(candidate / base))


def _has_cpu(block: Block, name: str) -> bool:
    slices = block.slices.get(name)
    return slices is not None and bool(slices.base_cpu_ns or slices.candidate_cpu_ns)


def _cpu_evidence(benchmark: Benchmark, blocks: Sorted[Block]) -> Evidence:
    evidence = _of_slices(benchmark, CPU_MEAN, blocks, _cpu_mean)
    held = [block.slices[benchmark.name] for block in blocks.good if benchmark.name in block.slices]
    used = [sum(_all_cpu_ns(one)[0]) / max(sum(one.base_ns), 1) for one in held]
    if used and statistics.median(used) < COMPUTES:
        # The CPU time of calls that wait is little, and scatters: it is watched, and decides nothing by itself.
        return dataclasses.replace(evidence, metric=dataclasses.replace(CPU_MEAN, watched=True))
    return evidence


def _cpu_mean(slices: Slices, benchmark: Benchmark) -> Pair:
    return _mean_pair(*_all_cpu_ns(slices), benchmark)


def _all_cpu_ns(slices: Slices) -> tuple[list[int], list[int]]:
    """Return the CPU time of each slice, of all threads and ended children, on both sides."""
    sides = (
        (slices.base_cpu_ns, slices.base_other_cpu_ns),
        (slices.candidate_cpu_ns, slices.candidate_other_cpu_ns),
    )
    base, candidate = (
        [mine + other for mine, other in itertools.zip_longest(own, others, fillvalue=0)]
        for own, others in sides
    )
    return base, candidate


def _first_calls(name: str, field: str) -> Reader[Block]:
    def read(block: Block) -> Pair | None:
        calls = block.first_calls.get(name)
        return (
            None
            if calls is None
            else _sides_pair({side: getattr(call, field) for side, call in calls.items()})
        )

    return read


def _sides_pair(by_side: Mapping[str, int]) -> Pair | None:
    sides = _both(by_side)
    return median_pair(sides[:1], sides[1:], 1) if sides else None


def _both(by_side: Mapping[str, float]) -> list[float]:
    """Return the values of base and candidate; none where either is missing."""
    return [float(by_side[side]) for side in Side] if set(Side) <= by_side.keys() else []


def _read_idle_cpu(block: Block) -> Pair | None:
    sides = _both(block.idle_cpu)
    if not sides:
        return None
    base, candidate = sides
    if not (0 <= base <= MOST_CORES and 0 <= candidate <= MOST_CORES):
        raise DamagedError("an implausible use of the CPU")
    return Pair(base, candidate, candidate - base)
