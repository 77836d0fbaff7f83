"""The e-process of signs against its definition, and against simulated sessions that stop when they like."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.proportion import lower_bound
from harness.stats.sequential import (
    compare_sequentially,
    e_either,
    e_value,
    fewest_pairs,
    fewest_signs,
    together,
)

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=1, max_size=40)


def mean_likelihood_ratio(signs, count, start):
    """The definition: the mean over chances from `start` to one, by the midpoint rule."""
    steps = 20_000
    chances = (start + (1 - start) * (step + 0.5) / steps for step in range(steps))
    return sum((2 * p) ** signs * (2 * (1 - p)) ** (count - signs) for p in chances) / steps


@pytest.mark.parametrize(("signs", "count"), [(7, 7), (6, 8), (3, 12), (0, 5), (20, 24)])
def test_the_evidence_is_the_mean_likelihood_ratio_over_all_chances(signs, count):
    assert e_value(signs, count) == pytest.approx(mean_likelihood_ratio(signs, count, 0.5), rel=1e-4)
    assert e_either(signs, count - signs, count) == pytest.approx(
        mean_likelihood_ratio(signs, count, 0.0), rel=1e-4
    )


@pytest.mark.parametrize(
    "evidence", [e_value, lambda signs, count: e_either(signs, count - signs, count)], ids=["one", "either"]
)
def test_under_no_change_the_expected_evidence_is_one(evidence):
    for count in range(1, 25):
        ways = sum(math.comb(count, signs) * evidence(signs, count) for signs in range(count + 1))
        assert ways / 2**count == pytest.approx(1)


def test_seven_of_seven_clear_and_nine_of_nine_convict():
    assert (fewest_pairs(20), fewest_pairs(100), fewest_pairs(200)) == (7, 9, 11)
    assert [fewest_signs(count, 20) for count in (6, 7, 8, 12, 24)] == [None, 7, 8, 11, 19]


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_a_session_that_stops_when_it_likes_has_no_more_false_alarms_than_it_claims(alpha):
    rng = random.Random(1)
    alarms = 0
    for _ in range(3000):
        d = []
        for _ in range(48):
            # Bursts on one side of a pair, sometimes for a while.
            d.append(rng.lognormvariate(0, 2) - rng.lognormvariate(0, 2))
            if compare_sequentially(d).p_greater <= alpha:
                alarms += 1
                break
    assert lower_bound(alarms, 3000, 0.999) <= alpha


def test_the_interval_holds_at_every_look_at_once():
    rng = random.Random(2)
    left_out = 0
    for _ in range(1500):
        d = [rng.expovariate(1) for _ in range(6)]
        for _ in range(30):
            d.append(rng.expovariate(1))
            found = compare_sequentially(d)
            if found.high < math.log(2):
                left_out += 1
                break
    assert lower_bound(left_out, 1500, 0.999) <= 0.05


@settings(deadline=None)
@given(DIFFERENCES)
def test_the_other_side_has_the_sides_swapped(differences):
    found, mirrored = compare_sequentially(differences), compare_sequentially([-d for d in differences])
    assert (found.p_greater, found.p_less, found.p_two_sided) == (
        mirrored.p_less, mirrored.p_greater, mirrored.p_two_sided,
    )  # fmt: skip
    assert (found.low, found.high) == (-mirrored.high, -mirrored.low)
    assert found.low <= found.change <= found.high


@settings(deadline=None)
@given(DIFFERENCES, st.integers(1, 20))
def test_ties_never_lower_a_p(differences, ties):
    nonzero = [value for value in differences if value] or [1.0]
    tied = compare_sequentially(nonzero + [0.0] * ties)
    # A tie is a pair that did not go this way.
    assert tied.p_greater >= compare_sequentially(nonzero + [-1.0] * ties).p_greater - 1e-12
    assert tied.warnings[-1].endswith("count for neither side")


def test_too_few_pairs_bound_nothing_and_say_so():
    found = compare_sequentially([0.1, 0.2, 0.3])
    assert (found.low, found.high, found.coverage) == (-math.inf, math.inf, 1)
    assert found.warnings == (
        "3 pairs are too few for an interval that holds at every look (at least 7 are needed)",
    )
    with pytest.raises(ValueError, match="no differences"):
        compare_sequentially([])


def least_mean(e_values, name):
    """The definition: the least mean of any set of comparisons with this one."""
    others = [e for other, e in e_values.items() if other != name]
    sets = itertools.chain.from_iterable(
        itertools.combinations(others, size) for size in range(len(others) + 1)
    )
    return min((e_values[name] + sum(some)) / (1 + len(some)) for some in sets)


@settings(deadline=None)
@given(st.dictionaries(st.integers(), st.floats(0.01, 1e5), max_size=7))
def test_what_is_judged_together_is_the_least_mean_of_any_set(e_values):
    assert together(e_values) == pytest.approx({name: least_mean(e_values, name) for name in e_values})


def test_equally_strong_changes_help_one_another_and_one_of_many_needs_as_many_times_more():
    assert together(dict.fromkeys("abcd", 120.0)) == dict.fromkeys("abcd", 120.0)
    assert together({"a": 400.0, "b": 0.0, "c": 0.0, "d": 0.0})["a"] == 100


def test_many_at_once_have_no_more_false_alarms_in_all_than_one():
    rng = random.Random(5)
    alarms = 0
    for _ in range(3000):
        counts = {name: sum(rng.random() < 0.5 for _ in range(12)) for name in range(10)}
        # One true change among them, which must not help the others over the line.
        e_values = {name: e_value(signs, 12) for name, signs in counts.items()} | {"true": e_value(12, 12)}
        adjusted = together(e_values)
        alarms += any(adjusted[name] >= 20 for name in counts)
    assert lower_bound(alarms, 3000, 0.999) <= 0.05
