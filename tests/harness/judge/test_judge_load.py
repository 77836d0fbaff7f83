"""Verdicts on load blocks and absolute limits."""

import math
import random

import msgspec
import pytest

from harness.errors import ExitCode
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.verdict import Kind, Verdict
from harness.policy.policy import BenchmarkRule, Limit, Policy
from harness.session.receipt import Phase
from tests.support.judge import load_block, receipt, segment, sha256
from tests.support.limit_counts import limit_count

POLICY = Policy()


def session(candidate=segment, *, confirm=0, policy=POLICY, null=segment, screen=12):
    """A load session; `candidate()` and `null()` make a segment for each block."""
    blocks = [
        load_block(
            number, Phase.SCREEN if number < screen else Phase.CONFIRM, candidate=candidate(), null=null()
        )
        for number in range(screen + confirm)
    ]
    return receipt(suites=["load"], load_blocks=blocks, policy_sha256=sha256(policy))


def verdicts(judgement, operation="all"):
    return {one.metric: one.verdict for one in judgement.comparisons if one.benchmark == operation}


def noisy(sd=0.02, seed=0, **changes):
    """Segments whose metrics scatter around a true change."""
    rng = random.Random(seed)
    usual = {"throughput_per_s": 100.0, "p50_ns": 1e6, "p95_ns": 2e6, "p99_ns": 3e6}

    def make():
        drawn = {
            name: value * (1 + changes.get(name, 0.0)) * math.exp(rng.gauss(0, sd))
            for name, value in usual.items()
        }
        return segment(**drawn)

    return make


def test_identical_sides_are_ok_in_every_metric():
    judgement = judge(session(noisy()), POLICY)
    assert verdicts(judgement) == dict.fromkeys(("throughput", "p50", "p95", "p99", "errors"), Verdict.OK)
    assert (judgement.verdict, judgement.controls.null_clean) == (Verdict.OK, True)


@pytest.mark.parametrize(
    ("change", "metric"),
    [({"p50_ns": 0.2}, "p50"), ({"p99_ns": 0.6}, "p99"), ({"throughput_per_s": -0.2}, "throughput")],
)
def test_what_got_worse_is_confirmed_and_named(change, metric):
    found = session(noisy(**change), confirm=16)
    assert Looks(POLICY).to_confirm_load(found) == ({"all"}, 9)
    assert Looks(POLICY).confirming_load(found) == frozenset()
    judgement = judge(found, POLICY)
    assert [name for name, one in verdicts(judgement).items() if one is Verdict.REGRESSED] == [metric]
    assert judgement.exit_code is ExitCode.LIMIT_BROKEN


def test_more_throughput_is_an_improvement_and_shown_as_more():
    judgement = judge(session(noisy(throughput_per_s=0.2), confirm=16), POLICY)
    (one,) = [one for one in judgement.comparisons if one.metric == "throughput"]
    assert one.verdict is Verdict.IMPROVED
    assert one.low <= one.change <= one.high
    assert one.change == pytest.approx(0.2, abs=0.03)


def test_errors_are_compared_as_points():
    judgement = judge(session(lambda: segment(error_share=0.02), confirm=16), POLICY)
    (one,) = [one for one in judgement.comparisons if one.metric == "errors"]
    assert (one.verdict, one.unit) == (Verdict.REGRESSED, "share")
    assert (one.change, one.base, one.candidate) == (pytest.approx(0.02), 0, 0.02)


def test_without_confirmation_nothing_is_convicted():
    assert verdicts(judge(session(noisy(p50_ns=0.2)), POLICY))["p50"] is Verdict.INVALID


def test_a_base_that_differs_from_itself_makes_the_load_inconclusive():
    judgement = judge(session(null=noisy(p95_ns=0.3)), POLICY)
    assert not judgement.controls.null_clean
    assert set(verdicts(judgement).values()) == {Verdict.INCONCLUSIVE}


def test_a_clean_micro_suite_is_not_doubted_for_the_load():
    judgement = judge(session(null=noisy(p95_ns=0.3)), POLICY)
    assert any("p95" in reason for reason in judgement.controls.reasons)


def test_blocks_with_an_invalid_segment_are_bad_and_too_many_of_them_make_it_inconclusive():
    found = session()
    for number in range(4):
        spoilt = msgspec.structs.replace(segment(), validity="invalid", reasons=["descheduled"])
        found.load_blocks[number] = load_block(number, base=spoilt)
    judgement = judge(found, POLICY)
    assert (judgement.verdict, judgement.controls.bad_blocks) == (Verdict.OK, pytest.approx(4 / 12))
    found.load_blocks[4] = load_block(4, candidate=None)
    assert judge(found, POLICY).verdict is Verdict.INCONCLUSIVE


DAMAGES = {
    "a lost block": lambda found: found.load_blocks.pop(),
    "a block twice": lambda found: found.load_blocks.append(found.load_blocks[0]),
    "no null segment": lambda found: replaced(found, null=None),
    "a time that is no number": lambda found: replaced(found, candidate=segment(p50_ns=math.nan)),
    "a time of zero": lambda found: replaced(found, candidate=segment(p50_ns=0.0)),
    "more errors than calls": lambda found: replaced(found, candidate=segment(error_share=1.5)),
    "an operation on one side only": lambda found: replaced(found, base=with_operation("GET /a")),
    "no operation at all": lambda found: replaced(
        found, candidate=msgspec.structs.replace(segment(), values={})
    ),
}


def replaced(found, **sides):
    found.load_blocks[3] = load_block(3, **sides)


def with_operation(name, **metrics):
    one = segment()
    return msgspec.structs.replace(one, values=one.values | {name: one.values["all"] | metrics})


@pytest.mark.parametrize("damage", DAMAGES)
def test_missing_and_damaged_load_is_never_a_pass(damage):
    found = session()
    assert judge(found, POLICY).verdict is Verdict.OK
    DAMAGES[damage](found)
    assert judge(found, POLICY).verdict in {Verdict.INVALID, Verdict.INCONCLUSIVE}


def without(metric):
    one = segment()
    values = {name: value for name, value in one.values["all"].items() if name != metric}
    return msgspec.structs.replace(one, values={"all": values})


def test_a_percentile_with_too_few_calls_is_judged_on_the_blocks_that_have_it():
    found = session()
    for number in range(4):
        found.load_blocks[number] = load_block(number, candidate=without("p99_ns"))
    (one,) = [one for one in judge(found, POLICY).comparisons if one.metric == "p99"]
    assert (one.verdict, one.blocks) == (Verdict.OK, 8)
    found.load_blocks[4] = load_block(4, base=without("p99_ns"))
    (one,) = [one for one in judge(found, POLICY).comparisons if one.metric == "p99"]
    assert (one.verdict, one.note) == (Verdict.INCONCLUSIVE, "too few calls in 5 of 12 blocks")


def test_rules_hold_for_operations_too():
    policy = Policy(benchmarks=(BenchmarkRule(match="all", metric="p50", margin_percent=30),))
    judgement = judge(session(noisy(p50_ns=0.2), policy=policy), policy)
    assert verdicts(judgement)["p50"] is Verdict.OK


# Absolute limits.


def limited(exceeding, calls=1000):
    one = limit_count(calls, exceeding)
    return lambda: msgspec.structs.replace(segment(), limits=[one])


@pytest.mark.parametrize(
    ("exceeding", "verdict", "code"),
    [
        (0, Verdict.OK, ExitCode.OK),
        (10, Verdict.INCONCLUSIVE, ExitCode.OK),
        (50, Verdict.REGRESSED, ExitCode.LIMIT_BROKEN),
    ],
)
def test_limits_are_certified_from_the_candidates_segments_together(exceeding, verdict, code):
    policy = Policy(limits=(Limit(slo="p99<25ms"),))
    judgement = judge(session(limited(exceeding), policy=policy), policy)
    (one,) = [one for one in judgement.comparisons if one.kind is Kind.LIMIT]
    assert (one.verdict, one.metric, one.candidate) == (verdict, "p99<25ms", exceeding / 1000)
    assert judgement.exit_code is code


def test_a_limit_that_was_not_counted_is_not_certified():
    policy = Policy(limits=(Limit(slo="p95<25ms"),))
    judgement = judge(session(limited(0), policy=policy), policy)
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_limit_that_cannot_be_read_is_invalid_and_no_error():
    judgement = judge(session(limited(0)), Policy(limits=(Limit(slo="fast"),)))
    assert judgement.verdict is Verdict.INVALID
