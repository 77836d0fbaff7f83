"""The effect of one session: free of the bias of sessions that stop by their evidence, and deaf to a disturbed block."""

import random
import statistics

import pytest

from harness.history.location import ERROR, location, spread


def test_it_is_the_middle_of_even_values_and_hardly_moved_by_one_disturbed_block():
    assert location([0.01, 0.03]) == pytest.approx(0.02)
    assert location([0.02] * 7 + [0.4]) == pytest.approx(0.02)
    assert (location([0.5]), spread([0.5])) == (0.5, 0.0)


def test_its_error_is_that_of_normal_values():
    rng = random.Random(4)
    found = [location([rng.gauss(0, 1) for _ in range(8)]) for _ in range(4_000)]
    assert statistics.fmean(found) == pytest.approx(0.0, abs=0.03)
    assert statistics.stdev(found) == pytest.approx(ERROR / 8**0.5, rel=0.05)


def test_no_value_counts_as_more_than_five_deviations():
    values = [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert spread(values) == pytest.approx(statistics.stdev(values))
    assert spread([*values, 1_000.0]) < 5
    assert spread([1.0, 1.0, 1.0, 2.0]) == pytest.approx(0.5)
