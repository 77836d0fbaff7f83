"""Statistics against known truth: sums of integers, published tables, and seeded simulation."""

import itertools
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats import Sample, compare_exact
from harness.stats.binomial import at_least, at_most, critical, incomplete_beta
from harness.stats.holm import holm
from harness.stats.order import fewest, median_interval, rank
from harness.stats.proportion import clopper_pearson, fewest_trials, lower_bound, upper_bound
from harness.stats.sign import sign_test

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=1, max_size=60)


def tail(successes, trials, chance):
    """The tail as a sum of fractions, which loses nothing."""
    p = Fraction(chance)
    return float(
        sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(successes, trials + 1))
    )


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(-1, 62), st.sampled_from([0.001, 0.01, 0.3, 0.5, 0.77, 0.99]))
def test_tails_are_those_of_the_exact_sum(trials, successes, chance):
    exact = tail(max(0, successes), trials, chance)
    assert at_least(successes, trials, chance) == pytest.approx(exact, rel=1e-9, abs=1e-300)


@settings(deadline=None)
@given(st.integers(1, 3000), st.floats(0.001, 0.999), st.data())
def test_the_tails_on_either_side_make_one(trials, chance, data):
    successes = data.draw(st.integers(0, trials))
    both = at_least(successes, trials, chance) + at_most(successes - 1, trials, chance)
    assert both == pytest.approx(1, abs=1e-9)


def test_a_fair_coin_is_as_fair_by_sums_as_by_the_beta_function():
    for trials, heads in ((12, 11), (40, 25), (999, 520)):
        by_beta = incomplete_beta(0.5, heads, trials - heads + 1)
        assert at_least(heads, trials) == pytest.approx(by_beta, rel=1e-9)


def test_the_incomplete_beta_function_is_a_power_where_one_shape_is_one():
    for x, a in itertools.product((0.0, 0.1, 0.5, 0.9, 1.0), (0.5, 1.0, 7.0)):
        assert incomplete_beta(x, a, 1) == pytest.approx(x**a)


def test_critical_numbers_are_those_of_the_tables():
    # Conover, Practical Nonparametric Statistics, table A3: 13 of 16 has 1.06 %, 14 has 0.21 %.
    assert [critical(n, 0.01) for n in (6, 7, 12, 16, 20)] == [None, 7, 11, 14, 16]
    assert critical(7, 0.5**7) == 7


@settings(deadline=None)
@given(DIFFERENCES)
def test_the_sign_test_of_the_other_side_has_the_sides_swapped(differences):
    test, mirrored = sign_test(differences), sign_test([-value for value in differences])
    assert (test.p_greater, test.p_less) == (mirrored.p_less, mirrored.p_greater)
    assert test.p_two_sided == mirrored.p_two_sided


@settings(deadline=None)
@given(DIFFERENCES, st.integers(1, 20))
def test_ties_never_lower_a_p(differences, ties):
    nonzero = [value for value in differences if value]
    assert sign_test(nonzero + [0.0] * ties).p_greater >= sign_test(nonzero).p_greater


def test_two_sided_counts_both_ways_of_being_extreme():
    assert sign_test([1] * 12).p_two_sided == sign_test([-1] * 12).p_two_sided == 2 / 2**12


def test_no_data_is_no_evidence():
    assert sign_test([]).p_two_sided == 1


def test_p_values_are_no_smaller_than_they_should_be_under_ugly_exchangeable_noise():
    rng = random.Random(1)
    for alpha in (0.01, 0.05, 0.2):
        found = 0
        for _ in range(4000):
            # One-sided bursts on both sides of each pair.
            pairs = ((rng.lognormvariate(0, 2), rng.lognormvariate(0, 2)) for _ in range(12))
            found += sign_test([math.log(a / b) for a, b in pairs]).p_greater <= alpha
        assert lower_bound(found, 4000, 0.999) <= alpha


def test_the_interval_of_a_median_covers_as_it_claims():
    rng = random.Random(2)
    for count in (6, 12, 16, 24):
        covered = 0
        for _ in range(3000):
            interval = median_interval([rng.expovariate(1) for _ in range(count)])
            covered += interval.low <= math.log(2) <= interval.high
        low, high = clopper_pearson(covered, 3000, 0.999)
        assert low <= interval.coverage <= high
        assert interval.coverage >= 0.95


def test_the_ranks_are_those_of_the_tables():
    # Conover, table A3 with 95 %: 12 values from the 3rd to the 10th, 16 from the 4th to the 13th.
    assert [rank(n, 0.95) for n in (5, 6, 12, 16, 24)] == [0, 1, 3, 4, 7]
    assert fewest(0.95) == 6
    assert fewest(0.99) == 8


def test_too_few_values_bound_nothing_and_say_so():
    interval = median_interval([0.1, 0.2, 0.3])
    assert (interval.center, interval.low, interval.high, interval.bounded) == (
        0.2,
        -math.inf,
        math.inf,
        False,
    )


def test_holm_gives_the_adjusted_values_of_its_paper():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )
    assert holm({}) == {}


@settings(deadline=None)
@given(st.dictionaries(st.integers(), st.floats(0, 1), max_size=20))
def test_holm_never_lowers_a_p_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    assert all(p <= adjusted[name] <= 1 for name, p in p_values.items())
    ordered = sorted(p_values, key=p_values.__getitem__)
    assert [adjusted[name] for name in ordered] == sorted(adjusted.values())


def test_proportions_are_those_of_the_tables():
    # Clopper and Pearson 1934; none of 299 shows at most 1 %, none of 59 at most 5 %.
    assert clopper_pearson(5, 20) == pytest.approx((0.0866, 0.4910), abs=1e-4)
    assert upper_bound(0, 299) < 0.01 < upper_bound(0, 298)
    assert upper_bound(0, 59) < 0.05 < upper_bound(0, 58)
    assert clopper_pearson(0, 0) == (0, 1)


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_a_bound_has_the_tail_that_it_promises(trials, data):
    successes = data.draw(st.integers(1, trials))
    assert at_least(successes, trials, lower_bound(successes, trials)) == pytest.approx(0.05, rel=1e-6)
    mirrored = 1 - upper_bound(trials - successes, trials)
    assert lower_bound(successes, trials) == pytest.approx(mirrored, abs=1e-9)


def test_the_trials_that_certify_a_share_are_the_fewest():
    assert fewest_trials(lambda trials: upper_bound(0, trials) <= 0.01) == 299
    assert fewest_trials(lambda trials: upper_bound(0, trials) <= 0.001) == 2995
    assert fewest_trials(lambda trials: upper_bound(0.01 * trials, trials) <= 0.01) is None


def test_what_repeats_exactly_is_compared_exactly():
    result = compare_exact(Sample((4.0, 4.0)), Sample((5.0, 5.0)))
    assert (result.change, result.low, result.high, result.p_two_sided) == (1, 1, 1, None)


def test_what_does_not_repeat_is_bounded_by_its_extremes_and_says_so():
    result = compare_exact(Sample((4.0, 4.5, 4.0)), Sample((5.0, 5.0, 5.0)))
    assert (result.change, result.low, result.high) == (1, 0.5, 1)
    assert result.warnings == ("repetitions of one side differ",)
