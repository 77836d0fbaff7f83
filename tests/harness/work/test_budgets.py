"""What a budget has room for: a refusal names one that would do, and that one does."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge.plan import session_plan
from harness.policy.policy import Policy
from harness.session.allowance import RESERVE
from harness.units import parse_duration_s
from harness.work.budgets import plan_within


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 40),
    st.floats(1, 60),
    st.integers(1, 60),
    st.sampled_from([0.5, 1.0]),
    st.sampled_from([0.05, 1.0, 5.0]),
)
def test_the_budget_that_a_refusal_names_is_enough_and_its_reserve_with_two_blocks_less_is_not(
    blocks, block_s, benchmarks, share, alpha_percent
):
    policy = Policy(alpha_percent=alpha_percent)
    try:
        plan_within(blocks * block_s / share, block_s, policy, benchmarks, share)
    except UsageError as error:
        named_s = parse_duration_s(re.search(r"a budget of at least (\w+)", error.remedy)[1])
    else:
        return
    # Blocks that take as much longer as the reserve has room for.
    plan_within(named_s, RESERVE * block_s, policy, benchmarks, share)
    with pytest.raises(UsageError):
        plan_within(named_s / RESERVE - 2 * block_s / share - 1, block_s, policy, benchmarks, share)


def test_a_budget_that_divides_just_below_a_whole_block_is_not_named():
    with pytest.raises(UsageError, match="at least 42s"):
        plan_within(0, 1.1, Policy(alpha_percent=5.0), 4, 0.5)


def test_a_suite_gets_its_share():
    assert plan_within(80, 1, Policy(), 3, 0.5) == session_plan(40, 1, Policy(), 3)
    assert plan_within(None, 1, Policy(), 3, 0.5) == session_plan(None, 1, Policy(), 3)


def test_where_no_budget_would_do_none_is_named():
    for budget_s in (None, 100.0):
        with pytest.raises(UsageError) as caught:
            plan_within(budget_s, 1, Policy(alpha_percent=1e-300), 60)
        assert "at least" not in caught.value.remedy
