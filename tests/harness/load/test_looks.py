"""Readings that are kept in memory of a fixed size."""

import sys

import pytest

from harness.load.looks import MOST, Looks


def test_the_last_reading_before_a_time_is_found():
    kept = Looks(0, 5, 50)
    kept.add(10, 6, 60)
    kept.add(20, 7, 70)
    assert [list(kept.before(time)[1:]) for time in (-3, 0, 9, 10, 19, 20, 99)] == [
        [5, 50], [5, 50], [5, 50], [6, 60], [6, 60], [7, 70], [7, 70],
    ]  # fmt: skip
    assert kept.last_ns == 20


@pytest.mark.parametrize("number", [MOST - 1, MOST, MOST + 1, 2 * MOST - 1, 3 * MOST + 17])
def test_all_readings_that_fit_are_found_and_older_ones_are_the_oldest(number):
    kept = Looks(0, 0)
    for place in range(1, number):
        kept.add(place * 10, place)
    first = max(number - MOST, 0)
    for place in (*range(first, min(first + 3, number)), number // 2 + first // 2, number - 2, number - 1):
        assert kept.before(place * 10 + 5) == (place * 10, place)
    assert kept.before(-1)[1] == first
    if number >= MOST:
        assert kept.first_ns == first * 10


def test_readings_take_no_more_memory_in_the_end_than_in_the_beginning():
    """The measured process must not grow by what the harness keeps."""
    kept = Looks(0, 0, 0)
    before = sys.getallocatedblocks()
    for place in range(1, 3 * MOST):
        kept.add(place * 1000, place * 1_000_000, place * 2_000_000)
    assert sys.getallocatedblocks() - before < 500
