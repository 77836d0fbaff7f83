"""Stacks grouped by their callers are the same stacks with the same weights."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.stacks.folded import Profile, parse_folded
from harness.profiles.stacks.weighted import Grouped, by_callers

stacks = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple), st.integers(0, 99), max_size=12
)


@given(stacks)
def test_grouping_by_callers_loses_and_invents_nothing(flat):
    grouped = Grouped(by_callers(flat))
    assert grouped == flat
    assert dict(grouped.items()) == flat
    assert dict(zip(grouped, grouped.values(), strict=True)) == flat
    assert len(grouped) == len(flat)


@given(stacks)
def test_functions_have_the_same_weights_however_the_stacks_are_held(flat):
    grouped = Grouped(by_callers(flat))
    assert Profile("ns", grouped).functions() == Profile("ns", flat).functions()
    for name, (own, whole) in Profile("ns", flat).functions().items():
        assert own == sum(weight for stack, weight in flat.items() if stack[-1] == name)
        assert whole == sum(weight for stack, weight in flat.items() if name in stack)


@pytest.mark.parametrize("stack", [(), ("a",), ("a", "c"), ("a", "b", "c")])
def test_a_stack_that_is_not_there_is_not_found(stack):
    grouped = parse_folded("a;b 3\n").stacks
    assert grouped["a", "b"] == 3
    assert grouped.get(stack) is None
    assert stack not in grouped
