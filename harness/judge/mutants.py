"""Judge a session by weaker methods, as a reference for calibration: each lacks one safeguard of the gate.

They judge wall time, and answer for every benchmark of both sides. Those that change the compared data keep the sign
test and the margin, on the fresh blocks where the session made any.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from harness.judge.blocks import Sorted, sort_blocks
from harness.judge.evidence import wall_evidence
from harness.judge.gathering import Evidence
from harness.judge.metrics import WALL
from harness.judge.paired import change_of, cleared
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.session.receipt import NULL_CONTROL, Benchmark, Block, Receipt, Rule, Slices, State
from harness.stats.sign import sign_test

Verdicts = Mapping[str, Verdict]
_NORMAL = statistics.NormalDist()


def pooled(receipt: Receipt, policy: Policy) -> Verdicts:
    """Pool the slices of all blocks of a side, as if slices of one process were independent: Mann and Whitney."""
    blocks = sort_blocks(receipt)
    return {mark.name: _by_p(*_mann_whitney(*_pools(mark, blocks)), policy) for mark in _comparable(receipt)}


def unconfirmed(receipt: Receipt, policy: Policy) -> Verdicts:
    """Accept the sign test of the screen: no fresh blocks, no margin, no correction for many benchmarks."""
    blocks = sort_blocks(receipt)
    answers = {}
    for benchmark in _comparable(receipt):
        screened = [pair.change for pair in wall_evidence(benchmark, blocks).screened]
        test = sign_test(screened)
        answers[benchmark.name] = _by_p(test.p_greater, test.p_less, policy)
    return answers


def fixed_order(receipt: Receipt, policy: Policy) -> Verdicts:
    """Use only the pairs of slices in which the base ran first, as a session without random order would."""
    blocks = [
        msgspec.structs.replace(block, slices={name: _base_first(one) for name, one in block.slices.items()})
        for block in receipt.blocks
    ]
    return _by_margin(receipt, policy, blocks)


def stale_baseline(receipt: Receipt, policy: Policy, earlier: Receipt) -> Verdicts:
    """Compare with the base of an `earlier` session, block by block, as a stored baseline would."""
    scale = {
        old.name: new.calls / old.calls
        for old in earlier.benchmarks
        for new in receipt.benchmarks
        if old.name == new.name and old.calls > 0
    }
    blocks = [
        msgspec.structs.replace(block, slices=_with_bases(block, place, earlier.blocks, scale))
        for place, block in enumerate(receipt.blocks)
    ]
    return _by_margin(receipt, policy, blocks)


MUTANTS: Mapping[str, Callable[[Receipt, Policy], Verdicts]] = {
    "pooled samples": pooled,
    "no confirmation": unconfirmed,
    "fixed order": fixed_order,
}
"""Methods that need the session alone, by their name on a calibration card."""


def _comparable(receipt: Receipt) -> list[Benchmark]:
    return [mark for mark in receipt.benchmarks if mark.state is State.BOTH and mark.name != NULL_CONTROL]


def _by_p(p_greater: float, p_less: float, policy: Policy) -> Verdict:
    alpha = policy.alpha_percent / 100
    if p_greater <= alpha:
        return Verdict.REGRESSED
    return Verdict.IMPROVED if p_less <= alpha else Verdict.OK


def _pools(benchmark: Benchmark, blocks: Sorted[Block]) -> tuple[list[int], list[int]]:
    found = [block.slices[benchmark.name] for block in blocks.good if benchmark.name in block.slices]
    base = [time_ns for slices in found for time_ns in slices.base_ns]
    return base, [time_ns for slices in found for time_ns in slices.candidate_ns]


def _mann_whitney(base: Sequence[float], candidate: Sequence[float]) -> tuple[float, float]:
    """Return the p that `candidate` is larger, and that it is smaller: normal approximation, corrected for ties."""
    total = len(base) + len(candidate)
    times = Counter((*base, *candidate))
    ties = sum(count**3 - count for count in times.values())
    variance = (
        len(base) * len(candidate) * (total + 1 - ties / (total * (total - 1))) / 12 if total > 1 else 0.0
    )
    if variance <= 0:
        return 1.0, 1.0
    ranks, seen = {}, 0
    for value in sorted(times):
        ranks[value] = seen + (times[value] + 1) / 2
        seen += times[value]
    expected = len(candidate) * (total + 1) / 2
    z = (sum(ranks[value] for value in candidate) - expected) / math.sqrt(variance)
    return _NORMAL.cdf(-z), _NORMAL.cdf(z)


def _base_first(slices: Slices) -> Slices:
    kept = [place for place, first in enumerate(slices.first) if first == 0]
    return Slices(
        base_ns=[slices.base_ns[place] for place in kept if place < len(slices.base_ns)],
        candidate_ns=[slices.candidate_ns[place] for place in kept if place < len(slices.candidate_ns)],
        first=[0] * len(kept),
    )


def _with_bases(
    block: Block, place: int, earlier: Sequence[Block], scale: Mapping[str, float]
) -> dict[str, Slices]:
    """Return the block's slices with the base's of an earlier block; fewer earlier blocks are reused in turn."""
    changed = {}
    for name, slices in block.slices.items():
        holding = [other.slices[name] for other in earlier if name in other.slices]
        if holding and name in scale:
            changed[name] = _with_base(slices, holding[place % len(holding)], scale[name])
    return changed


def _with_base(slices: Slices, stored: Slices, scale: float) -> Slices:
    shortest = min(len(stored.base_ns), len(slices.candidate_ns), len(slices.first))
    return Slices(
        base_ns=[round(time_ns * scale) for time_ns in stored.base_ns[:shortest]],
        candidate_ns=slices.candidate_ns[:shortest],
        first=slices.first[:shortest],
    )


def _by_margin(receipt: Receipt, policy: Policy, blocks: list[Block]) -> Verdicts:
    changed = sort_blocks(msgspec.structs.replace(receipt, blocks=blocks))
    answers = {}
    for benchmark in _comparable(receipt):
        evidence = wall_evidence(msgspec.structs.replace(benchmark, pairs=1), changed)
        margin = policy.margin(benchmark.name, WALL.name)
        answers[benchmark.name] = _on_one_look(evidence, margin, policy.alpha_percent / 100)
    return answers


def _on_one_look(evidence: Evidence, margin: float, alpha: float) -> Verdict:
    pairs = evidence.confirmed or evidence.screened
    if evidence.trouble or not pairs:
        return Verdict.INVALID
    change, least = change_of(pairs, WALL, Rule.SEQUENTIAL), WALL.scale.margin(margin)
    test = sign_test([pair.change for pair in pairs])
    if change.change >= least and test.p_greater <= alpha:
        return Verdict.REGRESSED
    if change.change <= -least and test.p_less <= alpha:
        return Verdict.IMPROVED
    return Verdict.OK if cleared(change, WALL, margin) else Verdict.INCONCLUSIVE
