"""Waits in rounds: three times as long is found in nearly every session, and identical code is called changed in one of twenty."""

import numpy as np
import pytest

from harness.profiles.difference.counts import Counts
from harness.profiles.difference.finding import Finding
from harness.profiles.difference.timed import compare_timed

ROUNDS, FRAMES, SESSIONS = 5, 7, 100
# The waits of two runs of one program differ by so much, as logarithms.
SPREAD = 0.26
LONGEST_NS = 1e7


def counted(times_ns):
    return Counts(times_ns, np.ones(times_ns.shape))


def sessions(factor, frames=FRAMES, rounds=ROUNDS):
    """Compare sessions whose second frame waits `factor` times as long on the second side; the frames differ in length."""
    rng = np.random.default_rng(16)
    lengths_ns = np.geomspace(LONGEST_NS / 20, LONGEST_NS, frames)[:, None]
    for _ in range(SESSIONS):
        times_ns = lengths_ns * np.exp(rng.normal(0, SPREAD, (frames, 2 * rounds)))
        times_ns[1, rounds:] *= factor
        yield compare_timed(counted(times_ns[:, :rounds]), counted(times_ns[:, rounds:]))


def changed(compared):
    return [finding is Finding.CHANGED for finding in compared.findings]


@pytest.mark.parametrize("frames", [3, FRAMES, 40])
def test_a_wait_three_times_as_long_in_each_of_five_rounds_has_changed(frames):
    found = [changed(one) for one in sessions(3.0, frames)]
    assert sum(one[1] for one in found) >= 0.95 * SESSIONS
    # Of what a session names, 5 % is wrong on average; the standard error of these sessions is about two points.
    assert np.mean([(sum(one) - one[1]) / max(sum(one), 1) for one in found]) < 0.08


def test_identical_code_is_called_changed_in_one_session_of_twenty_at_most():
    assert sum(any(changed(one)) for one in sessions(1.0)) <= 0.08 * SESSIONS


def test_half_as_long_again_is_found_where_rounds_are_many():
    assert sum(changed(one)[1] for one in sessions(1.5)) < SESSIONS / 2
    assert sum(changed(one)[1] for one in sessions(1.5, rounds=30)) > 0.9 * SESSIONS


def test_intervals_hold_the_true_change():
    truth_ns = np.zeros(FRAMES)
    truth_ns[1] = 2 * np.geomspace(LONGEST_NS / 20, LONGEST_NS, FRAMES)[1] * np.exp(SPREAD**2 / 2)
    inside = [(one.low <= truth_ns) & (one.high >= truth_ns) for one in sessions(3.0)]
    assert 0.9 < np.mean(inside) < 0.99


def test_swapped_sides_change_the_signs_and_nothing_else():
    rng = np.random.default_rng(3)
    one, two = (
        counted(1e6 * np.exp(rng.normal(0, 0.3, (20, 5))) * (rng.random((20, 5)) > 0.2)) for _ in "ab"
    )
    forth, back = compare_timed(one, two), compare_timed(two, one)
    assert forth.findings == back.findings
    assert forth.low == pytest.approx(-back.high)
    assert forth.high == pytest.approx(-back.low)


def test_a_new_wait_and_one_that_went_away_have_changed_and_short_ones_are_not_tested():
    steady = [1e6, 1.1e6, 0.9e6, 1.05e6, 0.95e6]
    nothing = [0.0] * 5
    one = counted(np.array([nothing, steady, steady, [1.0] * 5]))
    two = counted(np.array([steady, nothing, steady, [100.0] * 5]))
    found = compare_timed(one, two)
    assert found.findings == [Finding.CHANGED, Finding.CHANGED, *[found.findings[2]], Finding.CANNOT_TELL]
    assert found.findings[2] in {Finding.CANNOT_TELL, Finding.SAME}
    assert np.isnan(found.discovery[3])
    assert np.isfinite([found.low, found.high]).all()


def test_equal_waits_are_the_same_and_nothing_has_no_finding():
    equal = counted(np.full((3, 5), 1e6))
    assert compare_timed(equal, equal).findings == [Finding.SAME] * 3
    nothing = counted(np.zeros((2, 5)))
    assert compare_timed(nothing, nothing).findings == [Finding.CANNOT_TELL] * 2
    assert compare_timed(equal.at([]), equal.at([])).findings == []


def test_one_round_that_waits_long_is_no_change():
    calm = [[1e6, 1.1e6, 0.9e6, 1.05e6, 0.95e6]] * 6
    burst = compare_timed(
        counted(np.array([*calm, [1e6] * 5])), counted(np.array([*calm, [1e6, 1e6, 5e7, 1e6, 1e6]]))
    )
    assert not any(changed(burst))
