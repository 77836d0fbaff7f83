"""Tell a running session which benchmarks need more blocks, and which need fresh ones.

The answers depend on the receipt and the policy alone, so that the judge can repeat them afterwards.
"""

import dataclasses

from harness.judge.blocks import sort_blocks, sort_load_blocks
from harness.judge.evidence import CPU, Evidence, load_evidence, micro_evidence
from harness.judge.paired import lean
from harness.judge.paired import undecided as is_undecided
from harness.policy.policy import Policy
from harness.session.receipt import Receipt


@dataclasses.dataclass(frozen=True, slots=True)
class Looks:
    """The looks of a session under one policy."""

    policy: Policy

    def undecided(self, receipt: Receipt) -> frozenset[str]:
        """Return the benchmarks to extend, after the screen."""
        return undecided(receipt, self.policy)

    def candidates(self, receipt: Receipt) -> frozenset[str]:
        """Return the benchmarks to confirm, after screen and extension."""
        return candidates(receipt, self.policy)

    def load_candidates(self, receipt: Receipt) -> frozenset[str]:
        """Return the operations to confirm under load, after its screen."""
        return load_candidates(receipt, self.policy)


def undecided(receipt: Receipt, policy: Policy) -> frozenset[str]:
    """Return the benchmarks that the screen neither clears nor makes candidates.

    `import` stands for the cold start, which every block measures: it requests blocks without a benchmark.
    """
    return frozenset(
        evidence.benchmark
        for evidence in judged_micro(receipt, policy)
        if is_undecided(evidence, policy.margin(evidence.benchmark, evidence.metric.name))
    )


def candidates(receipt: Receipt, policy: Policy) -> frozenset[str]:
    """Return the benchmarks that appear slower or faster, and need fresh blocks to confirm it. `import` as above."""
    return _leaning(judged_micro(receipt, policy), policy)


def load_candidates(receipt: Receipt, policy: Policy) -> frozenset[str]:
    """Return the operations with some metric that appears worse or better under load."""
    return _leaning(judged_load(receipt, policy), policy)


def judged_micro(receipt: Receipt, policy: Policy) -> list[Evidence]:
    """Return the micro suite's evidence that can decide: without CPU time, and without skipped benchmarks."""
    found = micro_evidence(receipt.benchmarks, sort_blocks(receipt))
    return [evidence for evidence in found if evidence.metric is not CPU and not _skipped(evidence, policy)]


def judged_load(receipt: Receipt, policy: Policy) -> list[Evidence]:
    """Return the load suite's evidence without the skipped operations."""
    found = load_evidence(sort_load_blocks(receipt))
    return [evidence for evidence in found if not _skipped(evidence, policy)]


def _leaning(found: list[Evidence], policy: Policy) -> frozenset[str]:
    return frozenset(
        evidence.benchmark
        for evidence in found
        if lean(evidence, policy.margin(evidence.benchmark, evidence.metric.name))
    )


def _skipped(evidence: Evidence, policy: Policy) -> bool:
    return policy.skipped(evidence.benchmark, evidence.metric.name) is not None
