"""Change points: found where a level changes, and not in noise or a single outlier."""

import random

from harness.history.segments import change_points


def series(seed, count, at=None, step=0.01, sd=0.005):
    rng = random.Random(seed)
    return [rng.gauss(step if at is not None and place >= at else 0.0, sd) for place in range(count)]


def test_noise_has_hardly_any_change_point():
    assert sum(bool(change_points(series(seed, 60))) for seed in range(200)) <= 6


def test_a_step_is_found_where_it_is():
    found = [change_points(series(seed, 100, at=60, step=0.02)) for seed in range(40)]
    assert all(any(abs(place - 60) <= 2 for place in places) for places in found)


def test_an_outlier_is_no_level_and_a_walk_of_ten_values_is_needed():
    values = [0.0, 0.001] * 10
    values[7] = 0.3
    assert change_points(values) == []
    assert change_points([0.0] * 4 + [1.0] * 5) == []


def test_without_noise_every_difference_counts():
    assert change_points([1.0] * 6 + [2.0] * 6) == [6]
