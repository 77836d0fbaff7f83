"""The search by counts: it ends, near its truth, whatever the probes show."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.capacity.estimate import estimate
from harness.capacity.refine import REFINEMENTS
from harness.capacity.search import TRIES, Bounds, Step
from harness.capacity.seen import Counts, Seen, Sight
from harness.capacity.steps import next_step
from harness.stats.crossing import Point

FEW = settings(max_examples=15, deadline=None)
LIMIT = 0.01


def seen(rate, share, sight=None, calls=10_000):
    exceeding = round(share * calls)
    if sight is None:
        sight = Sight.HELD if share < LIMIT / 2 else Sight.BROKE if share > LIMIT * 2 else Sight.OPEN
    return Seen(rate, sight, (Counts("p99<25ms", LIMIT, Point(rate, calls, exceeding, variance=exceeding)),))


def searched(look, bounds):
    probes = []
    while step := next_step(probes, bounds):
        probes.append(look(step.rate_per_s))
        assert len(probes) < 60
    return probes


def bounds_of(start, lowest=0.01, most=1e6, tolerance=0.05):
    return Bounds(start, min(lowest, start), most, tolerance)


@FEW
@given(st.floats(5, 5000), st.floats(1, 5000), st.floats(3, 200))
def test_it_ends_after_a_fixed_number_of_probes_and_its_interval_holds_the_truth(truth, start, power):
    def look(rate):
        return seen(rate, 1.0 if rate > 5 * truth else min(LIMIT * (rate / truth) ** power, 1.0))

    probes = searched(look, bounds_of(start))
    sides = [one.is_above for one in probes]
    assert len(probes) - max(sides.index(True), sides.index(False)) - 1 <= REFINEMENTS
    found = estimate(probes)
    assert found.low_per_s <= truth * 1.001
    assert found.high_per_s >= truth * 0.999


@FEW
@given(st.floats(5, 5000), st.floats(1, 5000))
def test_a_wall_is_bisected(truth, start):
    probes = searched(lambda rate: seen(rate, 0.0 if rate <= truth else 0.9), bounds_of(start))
    found = estimate(probes)
    assert found.low_per_s <= truth * 1.001
    assert found.high_per_s >= truth
    assert found.ratio < 1.12


@FEW
@given(
    st.lists(st.tuples(st.sampled_from(list(Sight)), st.floats(0, 1)), min_size=80, max_size=80),
    st.floats(1, 1000),
)
def test_whatever_the_probes_show_the_search_ends(shown, start):
    said = iter(shown)
    probes = searched(lambda rate: seen(rate, (one := next(said))[1], one[0]), bounds_of(start, most=5_000.0))
    found = estimate(probes)
    if found and found.low_per_s and found.high_per_s:
        assert found.low_per_s <= found.high_per_s


def test_an_invalid_probe_is_tried_again_and_then_ends_the_search_below_it():
    probes = [seen(10, 0.0), seen(20, 0.0, Sight.INVALID)]
    assert next_step(probes, bounds_of(10.0)) == Step(20.0)
    walled = [*probes, *[seen(20, 0.0, Sight.INVALID)] * (TRIES - 1)]
    assert next_step(walled, bounds_of(10.0)) == Step(14.14)
    narrow = [*walled, seen(19.5, 0.0)]
    assert next_step(narrow, bounds_of(10.0)) == Step(19.5, confirms=True)
    assert next_step([*narrow, seen(19.5, 0.0)], bounds_of(10.0)) is None


def test_below_the_lowest_rate_it_does_not_go_and_the_lowest_is_measured_twice():
    probes = searched(lambda rate: seen(rate, 0.5), bounds_of(100.0, lowest=30.0))
    assert [one.rate_per_s for one in probes] == [100.0, 50.0, 30.0, 30.0]
    assert estimate(probes) is None


def test_above_the_most_it_does_not_go():
    probes = searched(lambda rate: seen(rate, 0.0), bounds_of(10.0, most=30.0))
    assert [one.rate_per_s for one in probes] == [10.0, 20.0, 30.0, 30.0]


def test_too_few_calls_to_certify_anything_still_give_a_capacity():
    probes = searched(lambda rate: seen(rate, LIMIT * (rate / 100) ** 6, Sight.OPEN), bounds_of(30.0))
    assert estimate(probes).per_s == pytest.approx(100, rel=0.03)
    assert {one.sight for one in probes} == {Sight.OPEN}
