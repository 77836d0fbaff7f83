"""Turn the blocks of the load suite into changes: the evidence for each operation and metric."""

import dataclasses

from harness.judge.blocks import MOST_BAD, Sorted, plausible
from harness.judge.gathering import DamagedError, Evidence, Pair, gather
from harness.judge.metrics import LOAD_METRICS, Scale
from harness.session.receipt import LoadBlock, Segment


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
