"""Judge a receipt under a policy: every receipt has one answer, and missing data never passes."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from harness.errors import ExitCode, HarnessError, worst
from harness.judge import paired, policy_file
from harness.judge.blocks import AnyBlock, Quota, Sorted, planned, planned_load, sort_blocks, sort_load_blocks
from harness.judge.candidates import Candidates
from harness.judge.certified import certify_segments
from harness.judge.controls import Control, load_control, merged, micro_control
from harness.judge.exact import exact_comparisons
from harness.judge.looks import judged_micro, load_candidates, micro_candidates, still_open
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
    State,
)

_SEVERITY = (Verdict.REGRESSED, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.IMPROVED, Verdict.OK)
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
    micro, load = sort_blocks(receipt), sort_load_blocks(receipt)
    controls = _controls(receipt, policy, micro, load)
    found = (
        *_micro(receipt, policy, micro, controls[0]),
        *_load(receipt, policy, load, controls[1]),
        *exact_comparisons(receipt.counts, policy),
        *_limits(receipt, policy, load),
    )
    comparisons = tuple(_accept(comparison, receipt, policy) for comparison in found)
    faults = _faults(receipt, comparisons, micro, load)
    verdict = _whole(receipt, comparisons, faults)
    return Judgement(
        verdict,
        _exit_code(receipt, policy, comparisons, verdict),
        comparisons,
        merged(*controls),
        tuple(receipt.suspects),
        (*faults, *dict.fromkeys(_reasons(receipt, policy, controls))),
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


def _micro(receipt: Receipt, policy: Policy, blocks: Sorted[Block], control: Control) -> list[Comparison]:
    """Return the verdicts of the micro suite, including benchmarks of one side only, and of the process as a whole."""
    one_sided = [
        _one_sided(benchmark)
        for benchmark in receipt.benchmarks
        if benchmark.state is not State.BOTH and policy.skipped(benchmark.name) is None
    ]
    process = slows_everything(receipt, policy)
    made = _progress(receipt, policy, blocks, blocks.usable, planned(receipt.plan))
    if process is not None:
        # The screen ended early: nothing else can be learnt from this process.
        made = dataclasses.replace(made, finished=False)
        control = dataclasses.replace(control, reasons=(process.note, *control.reasons))
    compared = _paired(micro_candidates(receipt, policy), control, made)
    if made.finished and made.same_policy and not control.reasons:
        compared = _left_open(compared, receipt, policy, blocks.usable.get(Phase.SCREEN, 0))
    return [*([process] if process else []), *compared, *one_sided]


def _left_open(
    compared: list[Comparison], receipt: Receipt, policy: Policy, screened: int
) -> list[Comparison]:
    """Return the comparisons; invalid where the session ended with open ones, and with blocks left to measure them."""
    plan = receipt.plan
    if plan.rule is Rule.FIXED or screened >= plan.screen_blocks:
        return compared
    note = f"undecided after {screened} of up to {plan.screen_blocks} blocks, and not measured any further"
    left = still_open(judged_micro(receipt, policy), receipt, policy)
    return [
        dataclasses.replace(one, verdict=Verdict.INVALID, note=note)
        if one.benchmark in left and one.counts and one.verdict is Verdict.INCONCLUSIVE
        else one
        for one in compared
    ]


def _load(receipt: Receipt, policy: Policy, blocks: Sorted[LoadBlock], control: Control) -> list[Comparison]:
    plan = receipt.plan
    made = _progress(receipt, policy, blocks, blocks.made, planned_load(plan))
    made = dataclasses.replace(made, least=1)
    return _paired(load_candidates(receipt, policy), control, made)


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


def _faults(
    receipt: Receipt, comparisons: Sequence[Comparison], micro: Sorted[Block], load: Sorted[LoadBlock]
) -> list[str]:
    """Return the defects that forbid an overall pass, whatever the comparisons show."""
    # Recorded trouble already explains the missing rest.
    is_unended = not (receipt.finished or receipt.interrupted or receipt.trouble)
    unended = ["The session did not end: its receipt is unfinished"] if is_unended else []
    schema = [] if receipt.schema == SCHEMA else [f"The receipt has schema {receipt.schema}, not {SCHEMA}"]
    damaged = [f"The receipt is damaged: {fault}" for fault in (*micro.faults, *load.faults)]
    return [*schema, *damaged, *receipt.trouble, *unended, *_gaps(receipt, comparisons)]


def _gaps(receipt: Receipt, comparisons: Sequence[Comparison]) -> list[str]:
    """Return the gaps: data that the session should have compared and lacks."""
    compared = any(comparison.counts and comparison.verdict in _SEVERITY for comparison in comparisons)
    recorded: dict[str, bool] = {
        "micro": bool(receipt.benchmarks),
        "load": bool(receipt.load_blocks),
        "exact": bool(receipt.counts),
    }
    empty = [
        f"The suite '{suite}' left no data"
        for suite in receipt.suites
        if not recorded.get(suite, True) and not receipt.trouble
    ]
    return [*empty, *_misnamed(receipt), *([] if compared or receipt.trouble else [_nothing(comparisons)])]


def _nothing(comparisons: Sequence[Comparison]) -> str:
    """Return the message for a session without any comparison, with the most frequent reason."""
    notes = Counter(one.note for one in comparisons)
    if not notes:
        return "Nothing could be compared"
    (note, times), *_ = notes.most_common(1)
    first = next(one.benchmark for one in comparisons if one.note == note)
    more = f" and {times - 1} more" if times > 1 else ""
    return f"Nothing could be compared; every benchmark is new or removed: {first}{more}: {note}"


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


def _whole(receipt: Receipt, comparisons: Iterable[Comparison], faults: Sequence[str]) -> Verdict:
    """Return the worst verdict that counts; an interrupted, cut or damaged session never passes."""
    verdicts = {comparison.counts_as for comparison in comparisons if comparison.counts}
    if faults:
        verdicts.add(Verdict.INVALID)
    if receipt.interrupted or receipt.cut:
        verdicts.add(Verdict.INCONCLUSIVE)
    return next(verdict for verdict in _SEVERITY if verdict in verdicts)


def _exit_code(
    receipt: Receipt, policy: Policy, comparisons: Iterable[Comparison], verdict: Verdict
) -> ExitCode:
    codes = {
        Verdict.REGRESSED: ExitCode.LIMIT_BROKEN,
        Verdict.INVALID: ExitCode.INVALID,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE if policy.strict else ExitCode.OK,
    }
    verdicts = {verdict, *(comparison.counts_as for comparison in comparisons if comparison.counts)}
    return worst((codes.get(one, ExitCode.OK) for one in verdicts), interrupted=receipt.interrupted)


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
