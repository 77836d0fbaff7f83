"""Plans of sessions: what fits into a budget, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge.plan import detectable_share, session_plan, what_it_detects
from harness.policy.policy import Policy
from harness.session.receipt import SessionPlan
from harness.stats.binomial import critical


def test_without_a_budget_the_plan_is_the_standard_one():
    assert session_plan(None, 100.0, Policy(), 20) == SessionPlan()


@settings(deadline=None)
@given(st.floats(1, 1e4), st.floats(0.01, 100), st.integers(0, 500), st.floats(0.01, 10))
def test_a_plan_fits_its_budget_and_can_reach_its_alpha_or_is_refused(
    budget_s, block_s, benchmarks, alpha_percent
):
    policy = Policy(alpha_percent=alpha_percent)
    try:
        plan = session_plan(budget_s, block_s, policy, benchmarks)
    except UsageError:
        return
    assert (plan.extended_blocks + plan.confirm_blocks) * block_s <= budget_s * (1 + 1e-9)
    assert 8 <= plan.screen_blocks <= plan.extended_blocks
    assert critical(plan.confirm_blocks, alpha_percent / 100 / max(1, min(benchmarks, 4))) is not None
    assert critical(plan.confirm_blocks_of_many, alpha_percent / 100 / max(1, benchmarks)) is not None


def test_forty_blocks_are_the_standard_plan_and_more_are_shared_alike():
    assert session_plan(40, 1, Policy(), 3) == SessionPlan()
    twice = session_plan(80, 1, Policy(), 3)
    assert (twice.screen_blocks, twice.extended_blocks, twice.confirm_blocks) == (24, 48, 32)


def test_what_is_short_goes_without_extension_first():
    plan = session_plan(28, 1, Policy(), 3)
    assert (plan.screen_blocks, plan.extended_blocks, plan.confirm_blocks) == (12, 12, 16)
    plan = session_plan(21, 1, Policy(), 3)
    assert (plan.screen_blocks, plan.extended_blocks, plan.confirm_blocks) == (9, 9, 12)


@pytest.mark.parametrize("blocks", [0, 1, 3, 7, 14])
def test_a_budget_in_which_no_verdict_is_possible_is_refused_with_one_that_would_do(blocks):
    with pytest.raises(UsageError, match=r"12\.5 %|cannot go below") as caught:
        session_plan(blocks, 1, Policy(), 1)
    assert "budget" in caught.value.remedy


def test_an_alpha_that_no_standard_session_reaches_is_refused():
    with pytest.raises(UsageError, match=r"A sign test of 16 blocks cannot go below 0\.00153 %"):
        session_plan(None, 1, Policy(alpha_percent=0.001), 1)


def test_more_blocks_detect_less_and_it_is_said():
    policy = Policy(margin_percent=0.5)
    short, long = session_plan(20, 1, policy, 1), session_plan(100, 1, policy, 1)
    assert detectable_share(long, 0.01, policy) < detectable_share(short, 0.01, policy)
    assert what_it_detects(long, 0.01, policy) == (
        "With a spread of 1.00% between blocks the minimum detectable effect is +0.723 % (80 % power, margin 0.5 %)"
    )
    assert "no effect is detectable" in what_it_detects(SessionPlan(confirm_blocks=3), 0.01, policy)
