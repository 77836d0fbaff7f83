"""The number of users at which a target gives its most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capacity.plateau import GAIN, is_reached, plateau, search


@given(st.integers(1, 200), st.floats(1.0, 1e5))
def test_users_up_to_the_places_that_work_at_once_are_found(places, rate_per_s):
    found = search(lambda users: rate_per_s * min(users, places))
    users = plateau(found)
    assert found[users] >= max(found.values()) / (1 + GAIN)
    assert users < 2 * places + 1
    assert is_reached(found)


def test_one_step_that_gave_no_more_may_have_been_bad_luck():
    rates = {1: 10.0, 2: 9.0, 4: 40.0, 8: 41.0, 16: 39.0}
    assert search(rates.__getitem__) == rates
    assert plateau(rates) == 4


def test_what_grows_for_ever_has_no_plateau():
    found = search(float, 64)
    assert list(found) == [1, 2, 4, 8, 16, 32, 64]
    assert plateau(found) == 64
    assert not is_reached(found)


@pytest.mark.parametrize("rate", [0.0, 5.0])
def test_a_rate_that_never_moves_needs_one_user(rate):
    assert plateau(search(lambda _users: rate)) == 1
