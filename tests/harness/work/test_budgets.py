"""What a budget has room for: a refusal names one that would do, and that one does."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge.plan import session_plan
from harness.policy.policy import Policy
from harness.session.allowance import RESERVE
from harness.session.receipt import SessionPlan, State
from harness.session.slots.sizing import Discovery, Found
from harness.units import parse_duration_s
from harness.work.budgets import confirming_s, plan_within


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


def test_a_confirmation_needs_blocks_of_the_changed_benchmarks_alone():
    """8 blocks of 30 s with all of a large suite, and 9 of 3 s with a tenth of it: not 17 of 30 s."""
    plan = plan_within(8 * 30 + 9 * 3, 30, Policy(), 100, confirm_s=3)
    assert (plan.least_blocks, plan.screen_blocks, plan.confirm_blocks) == (8, 8, 9)
    with pytest.raises(UsageError, match=r"room for 16 of the 17 blocks.* at least 5m34s"):
        plan_within(8 * 30 + 8 * 3, 30, Policy(), 100, confirm_s=3)
    # Never more than a whole block, and without a budget it changes nothing.
    assert plan_within(17 * 30, 30, Policy(), 100, confirm_s=99) == plan_within(17 * 30, 30, Policy(), 100)
    assert plan_within(None, 30, Policy(), 100, confirm_s=3) == plan_within(None, 30, Policy(), 100)


def found_of(*calls_ns):
    found = [Found(str(number), "f", State.BOTH, ns, ns, ns, 0.1) for number, ns in enumerate(calls_ns)]
    return Discovery(tuple(found), 0.5, "0")


def test_a_tenth_of_the_suite_is_confirmed_at_its_slowest():
    found = found_of(*[1e5] * 15, 1e9, 1e9, *[1e5] * 3)
    assert confirming_s(found) == found.block_s(SessionPlan(), ["15", "16"])
    assert confirming_s(found) < found.block_s(SessionPlan())
    one = found_of(1e5)
    assert confirming_s(one) == one.block_s(SessionPlan())


def test_a_suite_gets_its_share():
    assert plan_within(80, 1, Policy(), 3, 0.5) == session_plan(40, 1, Policy(), 3)
    assert plan_within(None, 1, Policy(), 3, 0.5) == session_plan(None, 1, Policy(), 3)


def test_where_no_budget_would_do_none_is_named():
    for budget_s in (None, 100.0):
        with pytest.raises(UsageError) as caught:
            plan_within(budget_s, 1, Policy(alpha_percent=1e-300), 60)
        assert "at least" not in caught.value.remedy
