"""The cost of sampling to the measured process over all rounds, and whether there were enough samples."""

from collections.abc import Sequence

from harness.profiles.facts import CpuFacts
from harness.stats.proportion import clopper_pearson

_FEW_SAMPLES = 100


def are_few(samples: int) -> bool:
    """Return whether a number of samples is too small for conclusions."""
    return samples < _FEW_SAMPLES


def sampling_cost(facts: Sequence[CpuFacts]) -> CpuFacts:
    """Return the cost over the looks of all rounds, with the exact interval for their number."""
    looks = sum(one.looks or 0 for one in facts)
    if not looks:
        return CpuFacts()
    held = round(sum((one.overhead_share or 0.0) * (one.looks or 0) for one in facts))
    low, high = clopper_pearson(held, looks)
    return CpuFacts(
        overhead_share=held / looks,
        overhead_low_share=low,
        overhead_high_share=high,
        overhead_budget_share=facts[-1].overhead_budget_share,
        rate_asked_hz=facts[-1].rate_asked_hz,
    )
