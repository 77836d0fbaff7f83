"""Plans of sessions: what fits into a budget, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge.plan import detectable_share, least_blocks, load_plan, session_plan, what_it_detects
from harness.policy.policy import Policy
from harness.session.receipt import Rule, SessionPlan
from harness.stats.sequential import e_value


def test_without_a_budget_the_plan_is_the_standard_one():
    assert session_plan(None, 100.0, Policy(), 20) == SessionPlan()


@settings(deadline=None)
@given(st.floats(1, 1e4), st.floats(0.01, 100), st.integers(0, 500), st.floats(0.01, 10), st.booleans())
def test_a_plan_fits_its_budget_and_can_reach_its_alpha_or_is_refused(
    budget_s, block_s, benchmarks, alpha_percent, is_fixed
):
    policy = Policy(alpha_percent=alpha_percent, blocks=16 if is_fixed else None)
    for plan_of in (
        lambda: session_plan(budget_s, block_s, policy, benchmarks),
        lambda: load_plan(budget_s, block_s, policy),
    ):
        try:
            plan = plan_of()
        except UsageError:
            continue
        least, confirm = least_blocks(policy)
        assert (least + confirm) * block_s <= budget_s * (1 + 1e-9)
        assert plan.screen_blocks >= 8
        assert plan.load_blocks >= 8
        best = 0.5**plan.confirm_blocks if is_fixed else 1 / e_value(plan.confirm_blocks, plan.confirm_blocks)
        assert best <= alpha_percent / 100


def test_a_budget_of_the_standard_size_or_less_keeps_the_standard_limits_that_fit_and_more_is_shared_alike():
    assert session_plan(48, 1, Policy(), 3) == SessionPlan()
    twice = session_plan(96, 1, Policy(), 3)
    assert (twice.screen_blocks, twice.confirm_blocks) == (48, 48)
    short = session_plan(20, 1, Policy(), 3)
    assert (short.least_blocks, short.screen_blocks, short.confirm_blocks) == (8, 11, 12)


def test_the_load_suite_shares_its_budget_in_the_same_way():
    assert load_plan(28, 1, Policy()) == load_plan(None, 1, Policy()) == SessionPlan()
    short = load_plan(20, 1, Policy())
    assert (short.load_blocks, short.load_confirm_blocks) == (11, 9)
    long = load_plan(56, 1, Policy())
    assert (long.load_blocks, long.load_confirm_blocks) == (24, 32)


def test_a_fixed_number_of_blocks_is_the_policys():
    plan = session_plan(None, 1, Policy(blocks=20), 3)
    assert (plan.rule, plan.screen_blocks, plan.confirm_blocks, plan.load_blocks, plan.load_confirm_blocks) == (
        Rule.FIXED, 20, 20, 20, 20,
    )  # fmt: skip
    with pytest.raises(UsageError, match="room for 39 of the 40 blocks"):
        session_plan(39, 1, Policy(blocks=20), 3)


@pytest.mark.parametrize("blocks", [0, 1, 3, 7, 16])
def test_a_budget_in_which_no_verdict_is_possible_is_refused_with_one_that_would_do(blocks):
    with pytest.raises(UsageError, match=f"room for {blocks} of the 17 blocks") as caught:
        session_plan(blocks, 1, Policy(), 1)
    assert caught.value.remedy == "Give it a budget of at least 17s, or fewer benchmarks"


def test_an_alpha_that_no_session_reaches_is_refused():
    with pytest.raises(UsageError, match=r"16 fresh blocks cannot go below 0\.013 %"):
        session_plan(None, 1, Policy(alpha_percent=0.01), 1)
    with pytest.raises(
        UsageError, match=r"6 fresh blocks cannot go below 1\.56 %.*Set more blocks"
    ) as caught:
        session_plan(None, 1, Policy(blocks=6), 1)
    assert "alpha-percent" in str(caught.value)


def test_more_blocks_detect_less_and_it_is_said():
    policy = Policy(margin_percent=0.5)
    short, long = session_plan(20, 1, policy, 1), session_plan(100, 1, policy, 1)
    assert detectable_share(long, 0.01, policy) < detectable_share(short, 0.01, policy)
    said = what_it_detects(long, 0.01, policy)
    assert said.startswith("With a spread of 1.00% between blocks the minimum detectable effect is +0.7")
    assert said.endswith("% (80 % power, margin 0.5 %)")
    assert "% if all 20 change (80 % power" in what_it_detects(long, 0.01, policy, 20)
    assert "no effect is detectable" in what_it_detects(SessionPlan(confirm_blocks=3), 0.01, policy)
