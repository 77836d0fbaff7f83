"""The controls of a session: a base that differs from itself and blocks that the machine spoilt make times inconclusive."""

import msgspec
import pytest

from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.verdict import Verdict
from harness.session.receipt import Sentinel, SessionPlan
from tests.support.judge import CONTROL, POLICY, changed, of, slices, steady


def with_null(session, changes):
    """The session with other changes of its null control."""
    for number, (one, change) in enumerate(zip(session.blocks, changes, strict=True)):
        session.blocks[number] = msgspec.structs.replace(
            one, slices=one.slices | {CONTROL.name: slices(change)}
        )
    return session


def test_a_base_that_differs_from_itself_makes_times_inconclusive():
    session = with_null(steady({"a": 0.1}, confirm=("a",)), [0.02] * 28)
    judgement = judge(session, POLICY)
    assert (of(judgement, "a").verdict, judgement.verdict) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    assert not judgement.controls.null_clean
    assert judgement.controls.null_change == pytest.approx(0.0202, abs=1e-4)
    assert "the A/A check failed" in of(judgement, "a").note


def test_a_bias_far_below_the_margin_voids_nothing():
    judgement = judge(with_null(steady({"a": 0.0}), [0.002] * 12), POLICY)
    assert judgement.controls.null_clean
    assert judgement.controls.null_p < 0.01
    assert judgement.verdict is Verdict.OK


def test_a_session_without_its_null_control_clears_nothing():
    session = steady({"a": 0.0})
    for number, one in enumerate(session.blocks):
        session.blocks[number] = msgspec.structs.replace(one, slices={"a": one.slices["a"]})
    judgement = judge(session, POLICY)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert not judgement.controls.null_clean


def test_a_null_control_of_few_blocks_tests_nothing():
    session = steady({"a": 0.0}, screen=7, plan=SessionPlan(screen_blocks=7))
    judgement = judge(session, POLICY)
    assert not judgement.controls.null_clean
    assert of(judgement, "a").note == "too few blocks for the A/A check (7 of at least 8)"


def spoilt(session, count, **sentinel):
    """The session with the sentinel of its first blocks replaced."""
    times = {"base_ns": [10**6], "candidate_ns": [10**6]} | sentinel
    for number in range(count):
        session.blocks[number] = msgspec.structs.replace(session.blocks[number], sentinel=Sentinel(**times))
    return session


@pytest.mark.parametrize("side", ["base_ns", "candidate_ns", "null_ns"])
def test_a_block_is_rejected_whichever_slot_was_slow(side):
    judgement = judge(spoilt(steady({"a": 0.0}), 2, **{side: [1_200_000]}), POLICY)
    assert judgement.controls.bad_blocks == pytest.approx(2 / 12)
    assert of(judgement, "a").blocks == 10
    assert judgement.verdict is Verdict.OK


FAST_AND_SLOW = [1_000_000, 2_000_000, 1_010_000, 1_990_000, 1_020_000, 2_010_000, 1_000_000, 1_980_000]


def test_slots_that_both_wander_are_apart_by_chance_and_one_that_is_slow_throughout_is_not():
    # A core that another tenant shares, in five readings of eight and in three: medians twice apart, means a fifth.
    five, three = [2 * 10**6, *FAST_AND_SLOW[1:]], [10**6, 10**6, *FAST_AND_SLOW[2:]]
    by_chance = spoilt(steady({"a": 0.0}), 2, base_ns=five, candidate_ns=three)
    assert judge(by_chance, POLICY).controls.bad_blocks == 0
    slow = [round(1.2 * ns) for ns in FAST_AND_SLOW]
    calm, calm_slow = [10**6 + 1_000 * n for n in range(8)], [1_200_000 + 1_000 * n for n in range(8)]
    throughout = spoilt(steady({"a": 0.0}), 2, base_ns=calm, candidate_ns=calm_slow)
    assert judge(throughout, POLICY).controls.bad_blocks == pytest.approx(2 / 12)
    by_the_throat = spoilt(steady({"a": 0.0}), 2, base_ns=FAST_AND_SLOW, candidate_ns=[4 * ns for ns in slow])
    assert judge(by_the_throat, POLICY).controls.bad_blocks == pytest.approx(2 / 12)


def test_a_block_on_a_stolen_processor_is_rejected_though_its_slots_agree():
    slow = {"base_ns": [2 * 10**6], "candidate_ns": [2 * 10**6]}
    assert of(judge(spoilt(steady({"a": 0.0}), 1, **slow), POLICY), "a").blocks == 11


def test_what_is_usual_is_settled_by_the_first_blocks():
    session = steady({"a": 0.0}, confirm=("a",))
    for number in range(12, 28):
        changed(session, number, sentinel=Sentinel(base_ns=[2 * 10**6], candidate_ns=[2 * 10**6]))
    assert judge(session, POLICY).controls.bad_blocks == pytest.approx(16 / 28)


def test_too_many_bad_blocks_make_times_inconclusive():
    judgement = judge(spoilt(steady({"a": 0.0}), 5, base_ns=[2 * 10**6]), POLICY)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "5 of 12 blocks were discarded (limit 40 %)" in judgement.controls.reasons


def test_a_candidate_that_slows_everything_is_a_regression_though_its_blocks_are_discarded():
    slow = {"base_ns": [10**6], "candidate_ns": [4 * 10**6]}
    judgement = judge(spoilt(steady({"a": 0.0}), 12, **slow), POLICY)
    one = of(judgement, "process", "fixed_loop")
    assert (one.verdict, one.change, one.blocks) == (Verdict.REGRESSED, pytest.approx(3), 12)
    assert "the candidate slows everything in its process" in one.note
    assert (judgement.verdict, judgement.exit_code) == (Verdict.REGRESSED, 3)
    assert of(judgement, "a").verdict is Verdict.INCONCLUSIVE


def test_a_screen_of_which_the_candidate_slows_everything_goes_on_until_that_is_shown():
    slow = {"base_ns": [10**6], "candidate_ns": [4 * 10**6]}
    for blocks, is_over in ((8, False), (9, True)):
        session = spoilt(steady({"a": 0.0}, screen=blocks), blocks, **slow)
        assert (Looks(POLICY).screening(session) == frozenset()) is is_over


def test_a_base_that_slows_everything_gives_no_verdict_and_the_reason():
    judgement = judge(spoilt(steady({"a": -0.3}), 12, base_ns=[4 * 10**6], candidate_ns=[10**6]), POLICY)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "the base slows everything in its process" in of(judgement, "a").note


def test_slots_that_a_neighbour_slows_by_turns_are_nobodys_fault():
    session = steady({"a": 0.0})
    for number in range(12):
        slow, fast = [15 * 10**5], [10**6]
        sides = (slow, fast) if number % 3 else (fast, slow)
        changed(session, number, sentinel=Sentinel(base_ns=sides[0], candidate_ns=sides[1]))
    judgement = judge(session, POLICY)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "12 of 12 blocks were discarded (limit 40 %)" in judgement.controls.reasons


def test_the_first_blocks_alone_can_fail_the_control_and_later_ones_have_an_error_rate_of_their_own():
    def fails(changes):
        fresh = len(changes) - 12
        session = steady({"a": 0.0}, confirm=("a",) if fresh else (), fresh=fresh)
        return not judge(with_null(session, changes), POLICY).controls.null_clean

    assert fails([0.02] * 8 + [-0.02, 0.02] * 2)
    assert not fails([-0.02] + [0.02] * 9 + [0.02, -0.02])
    assert fails([-0.02] + [0.02] * 20)
