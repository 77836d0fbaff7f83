"""Several receipts judged together: all shards of one gate, or one comparison on several machines."""

import msgspec
import pytest

from harness.errors import ExitCode, UsageError
from harness.judge.alike import require_alike
from harness.judge.judge import judge
from harness.judge.looks import Looks, micro_candidates
from harness.judge.merging import judge_together, merged_receipt
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Benchmark, Sentinel, SessionPlan, Shard, State
from harness.session.shards import share_of
from tests.support.judge import POLICY, Simulation, changed, count, of, receipt, simulated, steady, verdicts

NAMES = [f"bench_{letter}" for letter in "abcdefghij"]


def shard(number, count, changes=None, *, names=NAMES, **options):
    """A session of one shard under the default policy; `changes` are those of benchmarks anywhere in the suite."""
    mine = Shard(number=number, count=count, names=names)
    changes = {name: (changes or {}).get(name, 0.0) for name in sorted(share_of(mine))}
    simulation = Simulation(changes, seed=number, **options)
    simulation.receipt.shard = mine
    return simulation.run(Looks(POLICY))


def gate(count, changes=None, **options):
    return [shard(number, count, changes, **options) for number in range(1, count + 1)]


def together(receipts, policy=POLICY):
    require_alike(receipts, [f"{place}.json" for place, _ in enumerate(receipts)], same_policy=True)
    return judge_together(receipts, policy)


def test_shards_without_a_change_are_one_gate_that_passes():
    judged = together(gate(3))
    assert set(verdicts(judged)) == set(NAMES)
    assert (judged.verdict, judged.exit_code) == (Verdict.OK, ExitCode.OK)


@pytest.mark.parametrize("count", [2, 5])
def test_one_slow_benchmark_in_one_shard_is_found_whatever_the_number_of_shards(count):
    judged = together(gate(count, {"bench_e": 0.06}))
    assert {name for name, verdict in verdicts(judged).items() if verdict is Verdict.REGRESSED} == {"bench_e"}
    assert judged.exit_code is ExitCode.LIMIT_BROKEN


def test_a_shard_measures_until_its_part_of_the_false_alarm_rate_is_kept():
    """Alone, nine fresh blocks of one sign would do."""
    alone, fifth = simulated({"bench_e": 0.06}), None
    for one in gate(5, {"bench_e": 0.06}):
        if "bench_e" in share_of(one.shard):
            fifth = one
    fresh = [sum(block.phase == "confirm" for block in one.blocks) for one in (alone, fifth)]
    assert fresh == [9, 12]
    assert judge(fifth, POLICY).exit_code is ExitCode.LIMIT_BROKEN


def test_candidates_of_other_shards_make_a_change_harder_to_confirm():
    first, second = steady({"a": 0.05}, screen=8, confirm=["a"], fresh=9), steady({"b": 0.05}, screen=8)
    for number, one in enumerate((first, second), 1):
        one.shard = Shard(number=number, count=2, names=["a", "b"])
    found = micro_candidates(first, POLICY)
    assert found.alpha == 0.005
    assert verdicts(judge_together([first], POLICY))["a"] is Verdict.REGRESSED
    # Both metrics of the other shard's candidate have no fresh blocks: the mean of 102, 1 and 1 is no evidence of 100.
    assert of(judge_together([first, second], POLICY), "a").p == pytest.approx(3 / 104.4, rel=0.01)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_missing_shard_is_missing_data_and_its_benchmarks_are_named(lost):
    receipts = gate(3)
    missing = receipts.pop(lost - 1)
    judged = together(receipts)
    assert judged.exit_code is ExitCode.INVALID
    assert f"Shard {lost}/3 is missing" in judged.reasons[0]
    assert all(name in judged.reasons[0] for name in share_of(missing.shard))


def test_a_single_shard_alone_is_no_answer_for_the_gate():
    (first, *_) = gate(2)
    assert judge_together([first], POLICY).exit_code is ExitCode.INVALID
    alone = judge(first, POLICY)
    assert alone.exit_code is ExitCode.OK
    assert "This is shard 1/2: 5 of 10 benchmarks" in " ".join(alone.reasons)


def test_each_shard_has_its_own_null_control():
    receipts = gate(2)
    biased = receipts[1]
    for place, block in enumerate(biased.blocks):
        shifted = msgspec.structs.replace(
            block.slices["control:null"], candidate_ns=[round(3_000_000 * 1.04)] * 3
        )
        changed(biased, place, slices={**block.slices, "control:null": shifted})
    judged = together(receipts)
    by_name = verdicts(judged)
    assert {by_name[name] for name in share_of(receipts[0].shard)} == {Verdict.OK}
    assert {by_name[name] for name in share_of(biased.shard)} == {Verdict.INCONCLUSIVE}
    assert not judged.controls.null_clean
    assert judged.controls.reasons[0].startswith("shard 2/2: the A/A check failed")


def test_a_shard_of_new_benchmarks_alone_is_no_missing_data():
    first, second = gate(2)
    new = [Benchmark(name=name, state=State.NEW) for name in sorted(share_of(second.shard))]
    second = msgspec.structs.replace(second, benchmarks=new, blocks=[], suites=["micro", "exact"])
    judged = together([first, second])
    assert (judged.verdict, judged.exit_code) == (Verdict.OK, ExitCode.OK)
    nothing = [msgspec.structs.replace(one, benchmarks=new, blocks=[]) for one in (first, second)]
    assert judge_together(nothing, POLICY).exit_code is ExitCode.INVALID


def test_an_unfinished_or_interrupted_shard_is_no_pass():
    first, second = gate(2)
    unfinished = together([first, msgspec.structs.replace(second, finished=False)])
    assert (unfinished.exit_code, "shard 2/2: The session did not end" in unfinished.reasons[0]) == (5, True)
    assert together([first, msgspec.structs.replace(second, interrupted=True)]).exit_code == 130


def test_a_shard_whose_process_as_a_whole_became_slow_is_a_regression():
    first, second = gate(2, plan=SessionPlan(least_blocks=11))
    for place in range(len(second.blocks)):
        slow = Sentinel(base_ns=[10**6] * 4, candidate_ns=[3 * 10**6] * 4, null_ns=[10**6] * 4)
        changed(second, place, sentinel=slow)
    judged = together([first, second])
    assert judged.exit_code is ExitCode.LIMIT_BROKEN
    assert of(judged, "process", "fixed_loop").verdict is Verdict.REGRESSED


REFUSED = {
    "the same shard twice": (lambda one: one, "both are shard 1/2"),
    "another count": (lambda one: _of(one, number=3, count=3), "a shard of 2, the other of 3"),
    "another suite": (lambda one: _of(one, number=2, names=["x"]), "only one of them has"),
    "a whole suite": (lambda one: msgspec.structs.replace(one, shard=None), "one is a shard, the other a whole"),
    "another base": (lambda one: _revised(one, base="b" * 40), "the base is aaaaaaaaaaaa in one, bbbbbbbbbbbb"),
    "another candidate": (lambda one: _revised(one, candidate="c" * 40), "the candidate is"),
    "another policy": (
        lambda one: msgspec.structs.replace(_of(one, number=2), policy_sha256="x"), "under different policies"
    ),
}  # fmt: skip


def _of(one, **fields):
    return msgspec.structs.replace(one, shard=msgspec.structs.replace(one.shard, **fields))


def _revised(one, **revisions):
    sides = {side: msgspec.structs.replace(getattr(one, side), revision=to) for side, to in revisions.items()}
    return msgspec.structs.replace(_of(one, number=2), **sides)


@pytest.mark.parametrize("what", REFUSED)
def test_receipts_that_do_not_belong_together_are_refused(what):
    make, words = REFUSED[what]
    first = receipt(shard=Shard(number=1, count=2, names=NAMES))
    first = _of(_revised(first, base="a" * 40, candidate="d" * 40), number=1)
    with pytest.raises(UsageError, match=words):
        require_alike([first, make(first)], ["one.json", "other.json"], same_policy=True)


def test_a_working_tree_with_changes_is_the_same_only_with_the_same_files():
    first = steady({"a": 0.0}, shard=Shard(number=1, count=2, names=NAMES))
    for digests, alike in ((("1", "1"), True), (("1", "2"), False)):
        pair = [
            msgspec.structs.replace(
                _of(first, number=number),
                candidate=msgspec.structs.replace(
                    first.candidate, revision="d" * 40 + "+changes", code_sha256=digest
                ),
            )
            for number, digest in enumerate(digests, 1)
        ]
        if alike:
            require_alike(pair, ["one", "other"], same_policy=True)
        else:
            with pytest.raises(UsageError, match="with changes, which are not the same"):
                require_alike(pair, ["one", "other"], same_policy=True)


def machine(changes, seed, **fields):
    """The same comparison on a machine of its own."""
    found = simulated(changes, seed=seed)
    return msgspec.structs.replace(found, seed=seed, environment={"cpu": f"CPU {seed}"}, **fields)


def test_two_machines_that_agree_give_one_answer_with_the_wider_interval():
    pair = [machine({"a": 0.08, "b": 0.0}, seed) for seed in (1, 2)]
    judged = together(pair)
    assert verdicts(judged) == {"a": Verdict.REGRESSED, "b": Verdict.OK}
    answers = [of(judge(one, POLICY), "a") for one in pair]
    found = of(judged, "a")
    assert (found.low, found.high) == (min(one.low for one in answers), max(one.high for one in answers))
    assert found.p == max(one.p for one in answers)
    assert any(
        "machine 2 differs from machine 1 in cpu (CPU 1 against CPU 2)" in one for one in judged.reasons
    )


def test_a_regression_that_only_one_machine_sees_is_not_decided():
    judged = together([machine({"a": 0.08}, 1), machine({"a": 0.0}, 2)])
    found = of(judged, "a")
    assert (found.verdict, judged.exit_code) == (Verdict.INCONCLUSIVE, ExitCode.OK)
    assert "machine 1: regressed (+8." in found.note
    strict = judge_together([machine({"a": 0.08}, 1), machine({"a": 0.0}, 2)], Policy(strict=True))
    assert strict.exit_code is ExitCode.INCONCLUSIVE


def test_a_regression_that_one_machine_confirmed_and_both_intervals_hold_is_one():
    other = machine({"a": 0.08}, 2)
    # Its fresh blocks are lost: by itself it decides nothing.
    other.blocks[:] = [one for one in other.blocks if one.phase == "screen"]
    other.finished, other.cut = True, "the budget was used up"
    assert of(judge(other, POLICY), "a").verdict is Verdict.INCONCLUSIVE
    judged = judge_together([machine({"a": 0.08}, 1), other], POLICY)
    assert of(judged, "a").verdict is Verdict.REGRESSED


def test_a_count_needs_no_second_machine():
    counts = [count([1, 1], [2, 2])], [count([1, 1], [1, 1])]
    pair = [machine({"a": 0.0}, seed, counts=one) for seed, one in zip((1, 2), counts, strict=True)]
    judged = together(pair)
    assert of(judged, "GET /a", "calls.dynamodb").verdict is Verdict.REGRESSED
    assert "machine 1" in of(judged, "GET /a", "calls.dynamodb").note


def test_an_invalid_machine_is_not_outvoted():
    other = machine({"a": 0.0}, 2)
    del other.blocks[2]
    assert together([machine({"a": 0.0}, 1), other]).exit_code is ExitCode.INVALID


def test_the_same_session_twice_is_no_second_opinion():
    one = machine({"a": 0.0}, 1)
    with pytest.raises(UsageError, match="the same session"):
        require_alike([one, msgspec.structs.replace(one)], ["one", "other"], same_policy=True)


def test_what_is_shown_of_several_receipts_holds_all_of_them():
    pair = [machine({"a": 0.0}, seed) for seed in (1, 2)]
    shown = merged_receipt(pair, "harness judge x y")
    assert len(shown.blocks) == sum(len(one.blocks) for one in pair)
    assert shown.environment == {"cpu": "differs between the receipts"}
    assert merged_receipt(pair[:1], "") is pair[0]
