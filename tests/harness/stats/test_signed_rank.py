"""The signed-rank test against its tables, its definition, and simulation."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.proportion import clopper_pearson, lower_bound
from harness.stats.signed_rank import compare_by_ranks

SMALL = st.lists(st.sampled_from([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4]), min_size=1, max_size=9)


def share_of_signs(differences):
    """The definition: the share of all choices of signs with a sum of positive ranks as large as this one."""
    sizes = sorted(map(abs, differences))
    ranks = [sizes.index(abs(d)) + (sizes.count(abs(d)) + 1) / 2 for d in differences]
    reached = sum(rank for rank, d in zip(ranks, differences, strict=True) if d > 0)
    choices = itertools.product((0, 1), repeat=len(differences))
    sums = [sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign) for signs in choices]
    return sum(total >= reached for total in sums) / len(sums)


@settings(deadline=None, max_examples=60)
@given(SMALL)
def test_p_is_the_share_of_all_signs_that_reach_as_much(differences):
    assert compare_by_ranks(differences).p_greater == pytest.approx(share_of_signs(differences))


def test_the_tails_are_those_of_the_tables():
    # Hollander, Wolfe, Chicken, table A.4: P(T+ >= 50) = 0.010 for n = 10, P(T+ >= 112) = 0.011 for n = 16.
    ten = [0.1 * rank * (-1 if rank in {2, 3} else 1) for rank in range(1, 11)]
    assert compare_by_ranks(ten).p_greater == pytest.approx(0.0098, abs=1e-4)
    sixteen = [0.1 * rank * (-1 if rank in {11, 13} else 1) for rank in range(1, 17)]
    assert compare_by_ranks(sixteen).p_greater == pytest.approx(0.0107, abs=5e-4)


def test_the_interval_covers_as_it_claims():
    rng = random.Random(1)
    covered = 0
    for _ in range(1500):
        found = compare_by_ranks([rng.gauss(0.02, 0.03) for _ in range(16)])
        covered += found.low <= 0.02 <= found.high
    low, high = clopper_pearson(covered, 1500, 0.999)
    assert high >= 0.95 >= low - 0.01


def test_p_values_are_no_smaller_than_they_should_be_under_ugly_exchangeable_noise():
    rng = random.Random(2)
    found = 0
    for _ in range(2000):
        pairs = ((rng.lognormvariate(0, 2), rng.lognormvariate(0, 2)) for _ in range(16))
        found += compare_by_ranks([a - b for a, b in pairs]).p_greater <= 0.01
    assert lower_bound(found, 2000, 0.999) <= 0.01


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=25))
def test_the_other_side_has_the_sides_swapped(differences):
    found, mirrored = compare_by_ranks(differences), compare_by_ranks([-d for d in differences])
    assert (found.p_greater, found.low, found.high) == (mirrored.p_less, -mirrored.high, -mirrored.low)
    assert found.low <= found.change <= found.high


def test_a_difference_of_zero_supports_neither_side():
    found = compare_by_ranks([0.0] * 16)
    assert (found.p_greater, found.p_less, found.change) == (1, 1, 0)
    assert found.warnings[-1] == "16 of 16 pairs are equal, and count for neither side"


def test_a_long_session_is_counted_too():
    assert compare_by_ranks([0.01 * rank for rank in range(1, 201)]).p_greater == 0.5**200


def test_too_few_pairs_bound_nothing():
    assert compare_by_ranks([0.1] * 4).warnings == ("4 pairs are too few for an interval at 95%",)
    with pytest.raises(ValueError, match="no differences"):
        compare_by_ranks([])
