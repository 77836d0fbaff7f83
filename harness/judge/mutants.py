"""Other ways to judge the same session, which calibration holds beside ours: each lacks one thing that ours has.

They judge wall time, and answer for every benchmark that both sides run. A mutant that cannot answer says
`inconclusive`.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from harness.judge.blocks import Sorted, sort_blocks
from harness.judge.evidence import WALL, wall_evidence
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.policy import Policy
from harness.session.receipt import NULL_CONTROL, Benchmark, Block, Phase, Receipt, Slices, State
from harness.stats.sign import sign_test

Verdicts = Mapping[str, Verdict]
_NORMAL = statistics.NormalDist()


def pooled(receipt: Receipt, policy: Policy) -> Verdicts:
    """Pool the slices of all blocks of a side, as if slices of one process were independent: Mann and Whitney."""
    blocks = sort_blocks(receipt)
    return {mark.name: _by_p(*_mann_whitney(*_pools(mark, blocks)), policy) for mark in _comparable(receipt)}


def unconfirmed(receipt: Receipt, policy: Policy) -> Verdicts:
    """Believe the sign test of the screen: no fresh blocks, no margin, no correction for many benchmarks."""
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
    return _judged(receipt, policy, blocks)


def stale_baseline(receipt: Receipt, policy: Policy, earlier: Receipt) -> Verdicts:
    """Compare with the base of an `earlier` session, block by block, as a stored baseline would."""
    calls = {benchmark.name: benchmark.calls for benchmark in receipt.benchmarks}
    calls_before = {benchmark.name: benchmark.calls for benchmark in earlier.benchmarks}
    before = {(block.phase, place): block for block, place in _placed(earlier.blocks)}
    blocks = []
    for block, place in _placed(receipt.blocks):
        stored = before.get((block.phase, place)) or before.get((Phase.SCREEN, place))
        slices = {
            name: _with_base(one, stored, name, calls.get(name, 1) / calls_before.get(name, 1))
            for name, one in block.slices.items()
            if name == NULL_CONTROL or (stored is not None and name in stored.slices)
        }
        blocks.append(msgspec.structs.replace(block, slices=slices))
    return _judged(receipt, policy, blocks)


MUTANTS: Mapping[str, Callable[[Receipt, Policy], Verdicts]] = {
    "pooled samples": pooled,
    "no confirmation": unconfirmed,
    "fixed order": fixed_order,
}
"""Those that need the session alone, by the name that a card gives them."""


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


def _with_base(slices: Slices, stored: Block | None, name: str, calls: float) -> Slices:
    if stored is None or name == NULL_CONTROL:
        return slices
    base_ns = [round(time_ns * calls) for time_ns in stored.slices[name].base_ns]
    shortest = min(len(base_ns), len(slices.candidate_ns), len(slices.first))
    return Slices(
        base_ns=base_ns[:shortest],
        candidate_ns=slices.candidate_ns[:shortest],
        first=slices.first[:shortest],
    )


def _placed(blocks: Sequence[Block]) -> list[tuple[Block, int]]:
    """Return every block with its place in its phase."""
    seen: Counter[Phase] = Counter()
    placed = []
    for block in blocks:
        placed.append((block, seen[block.phase]))
        seen[block.phase] += 1
    return placed


def _judged(receipt: Receipt, policy: Policy, blocks: list[Block]) -> Verdicts:
    """Judge the receipt with other slices, of which a block may have fewer."""
    benchmarks = [msgspec.structs.replace(benchmark, pairs=1) for benchmark in receipt.benchmarks]
    changed = msgspec.structs.replace(receipt, blocks=blocks, benchmarks=benchmarks)
    return {
        comparison.benchmark: comparison.verdict
        for comparison in judge(changed, policy).comparisons
        if comparison.metric == WALL.name and comparison.counts
    }
