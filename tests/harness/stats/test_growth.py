"""Slopes through the lower envelope, and intervals that hold for steps that stay."""

import random

import pytest

from harness.stats.growth import BLOCKS, envelope, slope

SECONDS = [float(second) for second in range(601)]


def of(values, start_s=200.0):
    return slope(SECONDS, values, start_s, 600.0, 1.0)


def test_an_even_line_has_its_own_slope_known_to_the_resolution_of_the_values():
    found = of([5.0 * second for second in SECONDS])
    assert found.per_s == pytest.approx(5.0)
    assert found.half_width == pytest.approx(1 / 400)
    assert not found.slows


def test_a_still_quantity_is_bounded_by_one_step_in_the_window():
    found = of([7.0] * len(SECONDS))
    assert (found.per_s, found.low, found.high) == (0.0, -1 / 400, 1 / 400)


def test_teeth_are_seen_from_below():
    assert envelope(SECONDS, [second % 20 for second in SECONDS], 200.0, 600.0) == [0.0] * BLOCKS


def test_a_block_without_a_sample_leaves_no_slope():
    some = [second for second in SECONDS if not 320 <= second < 360]
    assert slope(some, some, 200.0, 600.0, 1.0) is None
    assert slope([], [], 200.0, 600.0, 1.0) is None


def test_one_lasting_step_is_no_growth():
    for place in range(210, 600, 10):
        assert of([1000.0 * (second > place) for second in SECONDS]).low < 0


def test_what_fills_slows():
    assert of([min(second, 350.0) for second in SECONDS]).slows
    assert not of([max(second, 350.0) for second in SECONDS]).slows


def test_noise_narrows_faster_with_time_than_steps_that_stay():
    rng = random.Random(4)
    assert of([rng.gauss(0, 1) for _ in SECONDS]).narrows == 1.0
    assert of([float(second) + (second // 40 % 3) for second in SECONDS]).narrows in {0.5, 1.0}


def test_a_random_walk_seldom_has_a_slope():
    """A short case of `tests/simulations/growth.py`: least squares on the samples would find one in most of these."""
    rng, wrong = random.Random(11), 0
    for _ in range(200):
        value, values = 0.0, []
        for _ in SECONDS:
            value += rng.choice([-1, 0, 0, 0, 1])
            values.append(value)
        wrong += of(values).low > 0
    assert wrong <= 5
