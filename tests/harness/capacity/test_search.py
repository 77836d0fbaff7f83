"""The search for capacity: it ends, and its interval holds the truth."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.capacity.search import TRIES, Bounds, Interval, Step, interval
from harness.capacity.seen import Seen, Sight
from harness.capacity.steps import next_step

MOST_PROBES = 60
TRUTHS = st.floats(0.5, 50_000.0)
STARTS = st.floats(1.0, 1_000.0)
TOLERANCES = st.floats(0.005, 0.5)
FEW = settings(max_examples=100, deadline=None)


def searched(look, bounds):
    """Return all probes of a search where `look` says what each rate shows."""
    seen = []
    while step := next_step(seen, bounds):
        seen.append(Seen(step.rate_per_s, look(step.rate_per_s)))
        assert len(seen) <= MOST_PROBES
    return seen


def bounds_of(start, tolerance=0.05, lowest=0.01, most=1_000_000.0):
    return Bounds(start, min(lowest, start), most, tolerance)


def ceiling(truth_per_s):
    return lambda rate: Sight.HELD if rate <= truth_per_s else Sight.BROKE


@FEW
@given(TRUTHS, STARTS, TOLERANCES)
def test_the_interval_holds_the_truth_and_is_narrow_and_both_ends_were_seen_twice(truth, start, tolerance):
    found = interval(searched(ceiling(truth), bounds_of(start, tolerance)))
    assert found.held_per_s <= truth < found.broke_per_s
    # Rates have four digits.
    assert found.broke_per_s / found.held_per_s <= 1 + tolerance + 0.002
    assert found.held_confirmed
    assert found.broke_confirmed


@FEW
@given(TRUTHS, STARTS, TOLERANCES, st.floats(1.0, 3.0))
def test_rates_that_cannot_be_settled_narrow_nothing(truth, start, tolerance, width):
    def look(rate):
        return ceiling(truth)(rate) if not truth <= rate <= truth * width else Sight.OPEN

    found = interval(searched(look, bounds_of(start, tolerance)))
    assert found.held_per_s <= truth
    assert found.broke_per_s > truth * width
    assert found.broke_per_s / found.held_per_s <= width * (1 + tolerance + 0.002) ** 2


@FEW
@given(st.lists(st.sampled_from(list(Sight)), min_size=200, max_size=200), STARTS, TOLERANCES)
def test_whatever_the_probes_show_the_search_ends_and_its_ends_are_in_order(sights, start, tolerance):
    said = iter(sights * 2)
    seen = searched(lambda _rate: next(said), bounds_of(start, tolerance, most=5_000.0))
    found = interval(seen)
    if found.held_per_s is not None and found.broke_per_s is not None:
        assert found.held_per_s < found.broke_per_s
    assert all(seen.count(one) <= TRIES for one in seen)
    for end, sight in ((found.held_per_s, Sight.HELD), (found.broke_per_s, Sight.BROKE)):
        assert end is None or Seen(end, sight) in seen


@FEW
@given(TRUTHS, STARTS)
def test_a_driver_at_its_limit_is_neither_held_nor_broken(wall, start):
    found = interval(searched(lambda rate: Sight.INVALID if rate > wall else Sight.HELD, bounds_of(start)))
    assert found.broke_per_s is None
    if start <= wall:
        assert found.held_per_s <= wall < found.wall_per_s
    else:
        # It goes down to where the driver keeps up.
        assert (found.held_per_s or 0.0) <= wall
        assert found.held_per_s is not None or wall < 0.01


def test_an_invalid_probe_is_tried_again_and_then_ends_the_search_below_it():
    seen = [Seen(10.0, Sight.HELD), Seen(20.0, Sight.INVALID)]
    assert next_step(seen, bounds_of(10.0)) == Step(20.0)
    assert next_step([*seen, Seen(20.0, Sight.HELD)], bounds_of(10.0)) == Step(40.0)
    walled = [*seen, Seen(20.0, Sight.INVALID), Seen(20.0, Sight.INVALID)]
    assert next_step(walled, bounds_of(10.0)) == Step(14.14)


def test_a_wall_above_what_broke_says_nothing():
    seen = [Seen(10.0, Sight.HELD), Seen(20.0, Sight.BROKE), *[Seen(40.0, Sight.INVALID)] * TRIES]
    assert interval(seen) == Interval(10.0, 20.0)


def test_an_end_that_contradicts_itself_is_measured_a_third_time_and_the_search_goes_on():
    seen = [Seen(10.0, Sight.HELD), Seen(20.0, Sight.BROKE), Seen(20.0, Sight.HELD)]
    assert next_step(seen, bounds_of(10.0)) == Step(20.0, confirms=True)
    assert next_step([*seen, Seen(20.0, Sight.HELD)], bounds_of(10.0)) == Step(40.0)
    assert next_step([*seen, Seen(20.0, Sight.BROKE)], bounds_of(10.0)) == Step(14.14)


def test_what_holds_above_what_broke_does_not_count():
    seen = [Seen(10.0, Sight.HELD), Seen(20.0, Sight.BROKE), Seen(40.0, Sight.HELD)]
    assert interval(seen).held_per_s == 10.0


def test_below_the_lowest_rate_it_does_not_go():
    seen = searched(lambda _rate: Sight.BROKE, bounds_of(100.0, lowest=30.0))
    assert [one.rate_per_s for one in seen] == [100.0, 50.0, 30.0, 30.0]
    assert interval(seen) == Interval(None, 30.0, broke_confirmed=True)


def test_with_too_few_calls_to_tell_it_goes_up():
    seen = searched(lambda rate: Sight.OPEN if rate < 30 else Sight.HELD, bounds_of(10.0, most=60.0))
    assert [one.rate_per_s for one in seen][:3] == [10.0, 20.0, 40.0]
    assert interval(seen) == Interval(60.0, None, held_confirmed=True)


@pytest.mark.parametrize("sight", list(Sight))
def test_nothing_is_known_from_no_probe_and_no_sight_loops_for_ever(sight):
    assert interval([]) == Interval(None, None)
    searched(lambda _rate: sight, bounds_of(10.0))
