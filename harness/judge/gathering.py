"""Gather the changes of all blocks in one metric: the evidence for a comparison, and the gaps in it.

A change is the logarithm of candidate over base, or their difference where the metric is a share. A block with
missing data is a gap and not skipped: slowness may be the cause of the missing data.
"""

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from harness.judge.blocks import AnyBlock, plausible
from harness.judge.metrics import Metric
from harness.session.receipt import Block, LoadBlock, Phase


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
    confirmed: tuple[Pair, ...] = ()
    trouble: str = ""
    """Missing or damaged data; with any of it no verdict is possible."""
    thin: str = ""
    """The reason for too little evidence to clear anything."""


Reader = Callable[[AnyBlock], Pair | None]
Expect = Callable[[AnyBlock], bool]


def always(_block: Block | LoadBlock) -> bool:
    """Return True: every block of a phase holds the benchmark."""
    return True


def gather(
    benchmark: str,
    metric: Metric,
    blocks: Iterable[AnyBlock],
    read: Reader[AnyBlock],
    expected: Expect[AnyBlock] = always,
) -> Evidence:
    """Return the evidence that `read` finds in the blocks; it returns None for a block without the benchmark.

    Every block of which it is `expected` must hold the benchmark; in a confirmation, only if any block of it does.
    """
    by_phase: dict[Phase, list[Pair]] = {phase: [] for phase in Phase}
    missing: dict[Phase, list[int]] = {phase: [] for phase in Phase}
    for block in blocks:
        try:
            pair = read(block)
        except DamagedError as error:
            return Evidence(benchmark, metric, trouble=f"block {block.number} is damaged: {error}")
        if pair is not None:
            by_phase[block.phase].append(pair)
        elif expected(block):
            missing[block.phase].append(block.number)
    gaps = [
        number for phase in Phase if phase is Phase.SCREEN or by_phase[phase] for number in missing[phase]
    ]
    trouble = f"missing from block {', '.join(map(str, gaps))}" if gaps else ""
    return Evidence(benchmark, metric, tuple(by_phase[Phase.SCREEN]), tuple(by_phase[Phase.CONFIRM]), trouble)


def require_plausible(base_ns: Sequence[float], candidate_ns: Sequence[float], calls: int) -> None:
    """Raise `DamagedError` unless the times are pairs of possible ones."""
    if not base_ns or len(base_ns) != len(candidate_ns):
        raise DamagedError(f"{len(base_ns)} slices of the base and {len(candidate_ns)} of the candidate")
    if calls < 1 or not all(map(plausible, (*base_ns, *candidate_ns))):
        raise DamagedError("an implausible time")


def median_pair(base_ns: Sequence[float], candidate_ns: Sequence[float], calls: int) -> Pair:
    """Return the median log ratio of pairs of times, and the median time of a call. Raises `DamagedError` for impossible times."""
    require_plausible(base_ns, candidate_ns, calls)
    ratios = [math.log(after / before) for before, after in zip(base_ns, candidate_ns, strict=True)]
    return Pair(
        statistics.median(base_ns) / calls, statistics.median(candidate_ns) / calls, statistics.median(ratios)
    )
