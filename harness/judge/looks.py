"""Tell a running session which benchmarks need more blocks, and which need fresh ones.

The answers depend on the receipt and the policy alone, so that the judge can repeat them afterwards.
"""

import dataclasses

from harness.judge.blocks import sort_blocks, sort_load_blocks
from harness.judge.candidates import Candidates, alpha_of, candidates_among
from harness.judge.evidence import micro_evidence
from harness.judge.gathering import Evidence
from harness.judge.load_evidence import load_evidence
from harness.judge.paired import Lean, undecided
from harness.judge.process import slows_everything
from harness.policy.policy import Policy
from harness.session.receipt import NULL_CONTROL, Phase, Receipt, Rule, State
from harness.stats.sequential import fewest_pairs


@dataclasses.dataclass(frozen=True, slots=True)
class Looks:
    """The looks of a session under one policy. Each is taken before a block, and names the benchmarks that it needs."""

    policy: Policy

    def screening(self, receipt: Receipt) -> frozenset[str]:
        """Return the benchmarks of the next block of the screen; none if the screen is over."""
        plan = receipt.plan
        made = sort_blocks(receipt).usable.get(Phase.SCREEN, 0)
        if made < plan.blocks_before_deciding:
            return _comparable(receipt)
        if plan.rule is Rule.FIXED or made >= plan.screen_blocks or slows_everything(receipt, self.policy):
            return frozenset()
        return still_open(micro_candidates(receipt, self.policy), plan.least_blocks)

    def confirming(self, receipt: Receipt) -> frozenset[str]:
        """Return the benchmarks of the next block of the confirmation; none if it is over, or not needed."""
        if slows_everything(receipt, self.policy):
            return frozenset()
        plan = receipt.plan
        return _of_confirmation(
            micro_candidates(receipt, self.policy),
            sort_blocks(receipt).usable.get(Phase.CONFIRM, 0),
            plan.confirm_blocks,
        )

    def to_confirm(self, receipt: Receipt) -> tuple[frozenset[str], int]:
        """Return the benchmarks that appear changed so far, and the fewest fresh blocks that could confirm them."""
        return _least(micro_candidates(receipt, self.policy))

    def confirming_load(self, receipt: Receipt) -> frozenset[str]:
        """Return the operations for the next load block of the confirmation; none if it is over, or not needed."""
        return _of_confirmation(
            load_candidates(receipt, self.policy),
            sort_load_blocks(receipt).usable.get(Phase.CONFIRM, 0),
            receipt.plan.load_confirm_blocks,
        )

    def to_confirm_load(self, receipt: Receipt) -> tuple[frozenset[str], int]:
        """Return the operations that appear changed under load, and the fewest fresh blocks that could confirm them."""
        return _least(load_candidates(receipt, self.policy))


def still_open(candidates: Candidates, least_blocks: int) -> frozenset[str]:
    """Return the benchmarks with a deciding metric that its screen neither clears nor makes a candidate.

    A benchmark of which one metric appears worse needs no more of the screen: fresh blocks must tell.
    """
    worse = {benchmark for (benchmark, _), leaning in candidates.leaning.items() if leaning is Lean.WORSE}
    return frozenset(
        one.benchmark
        for key, one in candidates.evidence.items()
        if (undecided(one, candidates.margins[key], candidates.rule) and one.benchmark not in worse)
        or _is_short(one, least_blocks)
    )


def _is_short(evidence: Evidence, least_blocks: int) -> bool:
    """Return True if disturbed blocks left a deciding metric with fewer than a verdict needs."""
    decides = not (evidence.metric.watched or evidence.trouble or evidence.thin)
    return decides and len(evidence.screened) < least_blocks


def micro_candidates(receipt: Receipt, policy: Policy) -> Candidates:
    """Return the candidates of the micro suite."""
    plan = receipt.plan
    return candidates_among(
        _judged_micro(receipt, policy), policy, plan.rule, plan.confirm_blocks, alpha_of(receipt, policy)
    )


def load_candidates(receipt: Receipt, policy: Policy) -> Candidates:
    """Return the candidates of the load suite."""
    plan = receipt.plan
    return candidates_among(
        _judged_load(receipt, policy), policy, plan.rule, plan.load_confirm_blocks, alpha_of(receipt, policy)
    )


def _judged_micro(receipt: Receipt, policy: Policy) -> list[Evidence]:
    """Return the micro suite's evidence without the skipped benchmarks."""
    found = micro_evidence(receipt.benchmarks, sort_blocks(receipt))
    return [evidence for evidence in found if not _skipped(evidence, policy)]


def _judged_load(receipt: Receipt, policy: Policy) -> list[Evidence]:
    """Return the load suite's evidence without the skipped operations."""
    found = load_evidence(sort_load_blocks(receipt))
    return [evidence for evidence in found if not _skipped(evidence, policy)]


def _of_confirmation(candidates: Candidates, made: int, most: int) -> frozenset[str]:
    if made >= most:
        return frozenset()
    return candidates.benchmarks if candidates.rule is Rule.FIXED else candidates.open()


def _least(candidates: Candidates) -> tuple[frozenset[str], int]:
    if not candidates.leaning:
        return frozenset(), 0
    least = (
        candidates.most_blocks
        if candidates.rule is Rule.FIXED
        else min(candidates.most_blocks, fewest_pairs(1 / candidates.alpha))
    )
    return candidates.benchmarks, least


def _comparable(receipt: Receipt) -> frozenset[str]:
    return frozenset(
        one.name for one in receipt.benchmarks if one.state is State.BOTH and one.name != NULL_CONTROL
    )


def _skipped(evidence: Evidence, policy: Policy) -> bool:
    return policy.skipped(evidence.benchmark, evidence.metric.name) is not None
