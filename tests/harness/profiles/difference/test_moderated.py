"""The variance that frames share is that of the textbook, and takes part with half the weight of a frame's own at most."""

import numpy as np
import pytest

from harness.profiles.difference import moderated


def test_the_shared_variance_and_its_degrees_are_those_that_were_planted():
    rng = np.random.default_rng(4)
    own, shared, degrees = 8, 0.07, 3.0
    true = degrees * shared / rng.chisquare(degrees, 100_000)
    found = moderated.shared_variance(true * rng.chisquare(own, true.shape) / own, own)
    assert found == pytest.approx((shared, degrees), rel=0.03)


@pytest.mark.parametrize(("frames", "degrees"), [(4, 0.0), (50, 4.0)])
def test_few_frames_share_nothing_and_equal_ones_half_at_most(frames, degrees):
    assert moderated.shared_variance(np.full(frames, 0.1), 8)[1] == degrees


def test_without_a_shared_variance_it_is_students_t():
    before, after = np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]])
    found = moderated.moderate(before, after)
    assert (found.t[0], found.freedom) == pytest.approx((3 / np.sqrt(2 / 3), 4))


def test_one_frame_that_hardly_varies_by_chance_is_not_believed_alone():
    rng = np.random.default_rng(5)
    logs = rng.normal(0, 0.3, (20, 10))
    logs[0] = 0.001 * logs[0] + 0.01 * np.repeat([0, 1], 5)
    found = moderated.moderate(logs[:, :5], logs[:, 5:])
    own_error = np.sqrt(sum(logs[0, part].var(ddof=1) for part in (slice(5), slice(5, 10))) / 5)
    assert found.error[0] > 50 * own_error


def test_the_special_functions_are_those_of_the_tables():
    assert moderated._digamma(1.0) == pytest.approx(-0.5772156649, abs=1e-8)
    assert moderated._digamma(0.01) == pytest.approx(-100.5608854579, abs=1e-8)
    assert moderated._trigamma(1.0) == pytest.approx(np.pi**2 / 6, abs=1e-7)
    assert moderated._trigamma(0.5) == pytest.approx(np.pi**2 / 2, abs=1e-7)
    assert moderated._inverse_trigamma(moderated._trigamma(3.7)) == pytest.approx(3.7)
