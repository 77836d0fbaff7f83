"""Judge a receipt under a policy: every receipt has one answer, and missing data never passes."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable

import msgspec

from harness.errors import HarnessError
from harness.exact.metrics import INSTRUCTIONS
from harness.judge import paired, policy_file
from harness.judge.blocks import AnyBlock, Quota, Sorted, planned, planned_load, sort_blocks, sort_load_blocks
from harness.judge.candidates import Candidates
from harness.judge.certified import certify_segments
from harness.judge.conclusion import Findings, conclude
from harness.judge.controls import Control, load_control, merged, micro_control
from harness.judge.exact import exact_comparisons
from harness.judge.instructions import beside_times
from harness.judge.looks import load_candidates, micro_candidates, still_open
from harness.judge.metrics import ALL, LOAD_METRICS, WALL
from harness.judge.process import base_slows_everything, slows_everything
from harness.judge.verdict import Comparison, Judgement, Kind, Verdict
from harness.policy.policy import Policy
from harness.policy.slo import SloMetric
from harness.policy.slo import State as SloState
from harness.reading.limits import Finding
from harness.session.receipt import (
    NULL_CONTROL,
    SCHEMA,
    Benchmark,
    Block,
    LoadBlock,
    Phase,
    Receipt,
    Rule,
    SessionPlan,
    Shard,
    State,
)
from harness.session.shards import share_of

_STATES = {
    State.NEW: Verdict.NEW,
    State.REMOVED: Verdict.REMOVED,
    State.BROKEN: Verdict.INVALID,
    State.SKIPPED: Verdict.INVALID,
}
_OF_LIMIT = {
    SloState.CERTIFIED: Verdict.OK,
    SloState.BROKEN: Verdict.REGRESSED,
    SloState.NOT_CERTIFIED: Verdict.INCONCLUSIVE,
}


def judge(receipt: Receipt, policy: Policy) -> Judgement:
    """Return the verdict on every comparison of `receipt` under `policy`, and the overall one. Never raises."""
    found = examine(receipt, policy)
    if receipt.shard is None:
        return conclude(found, policy)
    return conclude(dataclasses.replace(found, reasons=(_one_of(receipt.shard), *found.reasons)), policy)


def examine(
    receipt: Receipt, policy: Policy, micro: Candidates | None = None, load: Candidates | None = None
) -> Findings:
    """Return what the receipt of one session shows. The candidates, if given, take those of other sessions into account."""
    blocks, load_blocks = sort_blocks(receipt), sort_load_blocks(receipt)
    controls = _controls(receipt, policy, blocks, load_blocks)
    found = (
        *_micro(receipt, policy, blocks, controls[0], micro or micro_candidates(receipt, policy)),
        *_load(receipt, policy, load_blocks, controls[1], load or load_candidates(receipt, policy)),
        *exact_comparisons(receipt.counts, policy),
        *_limits(receipt, policy, load_blocks),
    )
    return Findings(
        tuple(_accept(comparison, receipt, policy) for comparison in beside_times(found)),
        merged(*controls),
        tuple(_faults(receipt, blocks, load_blocks)),
        tuple(dict.fromkeys(_reasons(receipt, policy, controls))),
        tuple(receipt.suspects),
        interrupted=receipt.interrupted,
        cut=bool(receipt.cut),
        troubled=bool(receipt.trouble),
    )


def _one_of(shard: Shard) -> str:
    return (
        f"This is {shard.label}: {len(share_of(shard))} of {len(shard.names)} benchmarks. 'harness judge' of the receipts "
        "of all shards gives the verdict on the whole"
    )


def _controls(
    receipt: Receipt, policy: Policy, micro: Sorted[Block], load: Sorted[LoadBlock]
) -> tuple[Control, Control]:
    names = [benchmark.name for benchmark in receipt.benchmarks if benchmark.name != NULL_CONTROL]
    slower_base = base_slows_everything(receipt, policy)
    smallest = min((policy.margin(name, WALL.name) for name in names), default=policy.margin_percent / 100)
    of_all = {metric.name: policy.margin(ALL, metric.name) for metric in LOAD_METRICS.values()}
    of_micro = micro_control(receipt.benchmarks, micro, smallest, receipt.plan)
    if slower_base:
        of_micro = dataclasses.replace(of_micro, reasons=(slower_base, *of_micro.reasons))
    return of_micro, load_control(load, of_all, receipt.plan)


def _micro(
    receipt: Receipt, policy: Policy, blocks: Sorted[Block], control: Control, candidates: Candidates
) -> list[Comparison]:
    """Return the verdicts of the micro suite, including benchmarks of one side only, and of the process as a whole."""
    one_sided = [
        _one_sided(benchmark)
        for benchmark in receipt.benchmarks
        if benchmark.state is not State.BOTH and policy.skipped(benchmark.name) is None
    ]
    # Benchmarks whose instructions alone are counted have no blocks, and lack none.
    if not (receipt.blocks or "micro" in receipt.suites):
        return one_sided
    process = slows_everything(receipt, policy)
    made = _progress(receipt, policy, blocks, blocks.usable, planned(receipt.plan))
    if process is not None:
        # The screen ended early: nothing else can be learnt from this process.
        made = dataclasses.replace(made, finished=False)
        control = dataclasses.replace(control, reasons=(process.note, *control.reasons))
    compared = _paired(candidates, control, made)
    if made.finished and made.same_policy and not control.reasons:
        compared = _left_open(compared, candidates, receipt.plan, blocks.usable.get(Phase.SCREEN, 0))
    return [*([process] if process else []), *compared, *one_sided]


def _left_open(
    compared: list[Comparison], candidates: Candidates, plan: SessionPlan, screened: int
) -> list[Comparison]:
    """Return the comparisons; invalid where the session ended with open ones, and with blocks left to measure them."""
    if plan.rule is Rule.FIXED or screened >= plan.screen_blocks:
        return compared
    note = f"undecided after {screened} of up to {plan.screen_blocks} blocks, and not measured any further"
    left = still_open(candidates, plan.least_blocks)
    return [
        dataclasses.replace(one, verdict=Verdict.INVALID, note=note)
        if one.benchmark in left and one.counts and one.verdict is Verdict.INCONCLUSIVE
        else one
        for one in compared
    ]


def _load(
    receipt: Receipt, policy: Policy, blocks: Sorted[LoadBlock], control: Control, candidates: Candidates
) -> list[Comparison]:
    plan = receipt.plan
    made = _progress(receipt, policy, blocks, blocks.made, planned_load(plan))
    made = dataclasses.replace(made, least=1)
    return _paired(candidates, control, made)


def _progress(
    receipt: Receipt, policy: Policy, blocks: Sorted[AnyBlock], made: Quota, quota: Quota
) -> paired.Progress:
    finished = receipt.finished and not receipt.interrupted and not receipt.cut
    same_policy = receipt.policy_sha256 == policy_file.sha256(policy)
    so_far = paired.progress(made, quota, finished=finished, same_policy=same_policy)
    least = receipt.plan.least_blocks if receipt.plan.rule is Rule.SEQUENTIAL else 1
    return dataclasses.replace(so_far, least=least, fault=blocks.faults[0] if blocks.faults else "")


def _paired(candidates: Candidates, control: Control, made: paired.Progress) -> list[Comparison]:
    """Return the verdicts on paired evidence. The candidates of one suite share one false alarm rate (Holm)."""
    terms = candidates.all_terms(control.reasons[0] if control.reasons else "")
    return [paired.decide(evidence, terms[key], made) for key, evidence in candidates.evidence.items()]


def _one_sided(benchmark: Benchmark) -> Comparison:
    notes = {
        State.NEW: "only the candidate has it",
        State.REMOVED: "only the base has it",
        State.BROKEN: "it fails on the candidate",
        State.SKIPPED: "the policy of the session skipped it, so it was not measured",
    }
    note = ": ".join(filter(None, (notes[benchmark.state], benchmark.note)))
    return Comparison(
        benchmark.name,
        "wall",
        Kind.PAIRED,
        _STATES[benchmark.state],
        base=benchmark.base_ns,
        candidate=benchmark.candidate_ns,
        note=note,
    )


def _limits(receipt: Receipt, policy: Policy, blocks: Sorted[LoadBlock]) -> list[Comparison]:
    """Return the verdicts on the absolute limits, from the usable load blocks."""
    if not receipt.load_blocks:
        return []
    usable = [] if blocks.faults else list(blocks.good)
    try:
        found = certify_segments(msgspec.structs.replace(receipt, load_blocks=usable), policy.limits)
    except (HarnessError, ValueError) as error:
        return [Comparison("all", "limits", Kind.LIMIT, Verdict.INVALID, note=str(error))]
    return [_limit(finding) for finding in found]


def _limit(finding: Finding) -> Comparison:
    certificate = finding.certificate
    clause = certificate.clause
    counted = certificate.calls and clause.metric is not SloMetric.THROUGHPUT
    return Comparison(
        finding.operation,
        clause.text,
        Kind.LIMIT,
        _OF_LIMIT[certificate.state],
        unit="share",
        candidate=certificate.exceeding / certificate.calls if counted else None,
        low=certificate.low,
        high=certificate.high,
        margin=clause.share or None,
        note=f"stage {finding.stage}: {certificate.sentence}" if finding.stage else certificate.sentence,
    )


def _accept(comparison: Comparison, receipt: Receipt, policy: Policy) -> Comparison:
    """Return the comparison with the reason of its acceptance, as of the day of the session."""
    day = _day(receipt)
    if comparison.verdict is not Verdict.REGRESSED or day is None:
        return comparison
    return dataclasses.replace(
        comparison, accepted=policy.acceptance(comparison.benchmark, comparison.metric, day)
    )


def _day(receipt: Receipt) -> dt.date | None:
    try:
        return dt.date.fromisoformat(receipt.started_at[:10])
    except ValueError:
        return None


def _faults(receipt: Receipt, micro: Sorted[Block], load: Sorted[LoadBlock]) -> list[str]:
    """Return the defects that forbid an overall pass, whatever the comparisons show."""
    # Recorded trouble already explains the missing rest.
    is_unended = not (receipt.finished or receipt.interrupted or receipt.trouble)
    unended = ["The session did not end: its receipt is unfinished"] if is_unended else []
    schema = [] if receipt.schema == SCHEMA else [f"The receipt has schema {receipt.schema}, not {SCHEMA}"]
    damaged = [f"The receipt is damaged: {fault}" for fault in (*micro.faults, *load.faults)]
    return [*schema, *damaged, *receipt.trouble, *unended, *_empty(receipt), *_misnamed(receipt)]


def _empty(receipt: Receipt) -> list[str]:
    """Return the suites that left no data. The share of a shard may have nothing that both sides run."""
    recorded: dict[str, bool] = {
        "micro": bool(receipt.benchmarks),
        "load": bool(receipt.load_blocks),
        "exact": bool(receipt.counts),
        "instructions": any(count.metric == INSTRUCTIONS for count in receipt.counts),
    }
    is_one_sided = not any(one.state is State.BOTH for one in receipt.benchmarks)
    if receipt.trouble or (receipt.shard is not None and is_one_sided):
        return []
    return [f"The suite '{suite}' left no data" for suite in receipt.suites if not recorded.get(suite, True)]


def _misnamed(receipt: Receipt) -> list[str]:
    """Return the contradictions between the list of benchmarks and the blocks."""
    named = Counter(benchmark.name for benchmark in receipt.benchmarks)
    both = {benchmark.name for benchmark in receipt.benchmarks if benchmark.state is State.BOTH}
    measured = {name: None for block in receipt.blocks for name in block.slices}
    return [
        *(
            f"The receipt names the benchmark '{name}' {times} times"
            for name, times in named.items()
            if times > 1
        ),
        *(
            f"Blocks hold '{name}', which the receipt does not name for both sides"
            for name in measured
            if name not in both
        ),
    ]


def _reasons(receipt: Receipt, policy: Policy, controls: Iterable[Control]) -> list[str]:
    """Return the other facts that a reader of the verdict needs."""
    interrupted = ["The session was interrupted: partial results are shown"] if receipt.interrupted else []
    cut = [receipt.cut] if receipt.cut else []
    withheld = [f"No verdict on times: {reason}" for control in controls for reason in control.reasons]
    skipped = [
        f"{benchmark.name} is skipped: {reason}"
        for benchmark in receipt.benchmarks
        if benchmark.name != NULL_CONTROL and (reason := policy.skipped(benchmark.name)) is not None
    ]
    return [*interrupted, *cut, *withheld, *receipt.notes, *skipped]
