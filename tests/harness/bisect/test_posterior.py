"""The probability of each commit, and what it says should be measured next."""

import pytest

from harness.bisect.posterior import Model, next_probe, posterior, shortest_range, suspects

NOISY = Model(0.05, 0.007)
EXACT = Model(0.25, None)


def test_without_a_measurement_all_are_equally_likely_and_the_middle_comes_next():
    found = posterior(8, {}, NOISY)
    assert found == pytest.approx([1 / 8] * 8)
    assert next_probe(found, ()) == 4


def test_a_state_that_lacks_the_change_clears_the_earlier_ones():
    found = posterior(8, {4: [0.05, 0.049]}, NOISY)
    assert sum(found[:4]) < 0.01
    assert next_probe(found, ()) == 6
    assert sum(posterior(8, {4: [0.0, 0.002]}, NOISY)[4:]) < 0.01


def test_a_disturbed_block_does_not_decide():
    found = posterior(8, {4: [0.3, 0.001, -0.001]}, NOISY)
    assert sum(found[:4]) > 0.95


def test_what_is_not_certain_is_measured_again():
    found = posterior(8, {4: [0.026]}, NOISY)
    assert next_probe(found, ()) == 4


def test_counts_are_certain_at_once():
    found = posterior(8, {4: [0.25], 6: [0.0], 5: [0.0]}, EXACT)
    assert found[4] > 0.999
    assert suspects(found, ()).first == suspects(found, ()).last == 5


def test_states_that_cannot_be_measured_leave_a_range():
    found = posterior(8, {3: [0.05] * 3, 6: [0.0] * 3}, NOISY)
    best = suspects(found, {4, 5})
    assert (best.first, best.last) == (4, 6)
    assert best.probability > 0.99
    assert next_probe(posterior(2, {}, NOISY), {1}) is None


def test_the_shortest_certain_range_is_given_where_one_commit_is_not():
    found = posterior(8, {2: [0.05] * 3, 5: [0.0] * 3}, NOISY)
    best = shortest_range(found, ())
    assert (best.first, best.last) == (3, 5)
    assert shortest_range([0.2] * 5, (), least=1.1).last == 5
