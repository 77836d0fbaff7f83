"""Notice benchmarks that slow as they are called: a comparison of them depends on how often they were called. Pure."""

import statistics
from collections.abc import Iterator, Sequence

from harness.session.receipt import NULL_CONTROL, Receipt, Slices

LEAST_BLOCKS = 5
LEAST_SLICES = 9
SLOWED = 1.05
"""Growth from the first to the last third of the slices of a block, at the median, that is told."""
IN_EACH = 1.02
SHARE = 0.8
"""Share of the blocks that must have grown by `IN_EACH`: a busy moment slows some of them, and never both sides of most."""


def slowing(receipt: Receipt) -> Iterator[str]:
    """Yield a note on each benchmark whose later slices took longer than its first, on both sides of most blocks."""
    for benchmark in receipt.benchmarks:
        found = [
            growth(block.slices[benchmark.name])
            for block in receipt.blocks
            if benchmark.name in block.slices
            and len(block.slices[benchmark.name].base_ns) >= LEAST_SLICES
            and benchmark.name != NULL_CONTROL
        ]
        if len(found) < LEAST_BLOCKS or sum(one > IN_EACH for one in found) < SHARE * len(found):
            continue
        if (median := statistics.median(found)) > SLOWED:
            yield (
                f"{benchmark.name} slows as it is called: by {100 * (median - 1):.3g} % from the first to the last slices of a "
                "block, on both sides. Its result depends on the number of calls: let each call begin with the same state, as by "
                "benchmark.pedantic with a setup"
            )


def growth(slices: Slices) -> float:
    """Return the smaller of both sides' ratios of the last third of the slices to the first third, by their medians."""
    return min(_growth(slices.base_ns), _growth(slices.candidate_ns))


def _growth(times_ns: Sequence[int]) -> float:
    third = len(times_ns) // 3
    return statistics.median(times_ns[-third:]) / max(statistics.median(times_ns[:third]), 1)
