"""Where a share crosses its limit, on counts of known truth."""

import dataclasses
import math
import random

import pytest

from harness.stats.crossing import Point, crossing

LIMIT = 0.01
LEVELS = [50, 70, 85, 95, 100, 105, 115, 130]


def odds(level, truth=100.0, slope=10.0):
    """Return a share that is the limit at `truth`."""
    value = LIMIT / (1 - LIMIT) * (level / truth) ** slope
    return value / (1 + value)


def expected(trials=10_000, **more):
    return [Point(level, trials, round(trials * odds(level)), **more) for level in LEVELS]


def width(found):
    return math.log(found.high / found.low)


def test_counts_on_a_curve_cross_where_it_does():
    found = crossing(expected(), LIMIT)
    assert found.level == pytest.approx(100, rel=0.01)
    assert found.low < 100 < found.high
    assert width(found) < 0.05
    assert found.scatter == 1


def test_from_none_to_all_it_lies_anywhere_in_the_gap():
    found = crossing([Point(100, 5000, 0), Point(100, 5000, 0), Point(110, 5000, 5000)], LIMIT)
    assert found.low == pytest.approx(100, rel=0.01)
    assert found.high == pytest.approx(110, rel=0.01)


def test_clusters_within_probes_widen_the_interval():
    plain = crossing(expected(), LIMIT)
    clustered = crossing(expected(variance=10_000 * 0.01 * 40), LIMIT)
    slow = crossing(expected(effect=40.0), LIMIT)
    for found in (clustered, slow):
        assert found.scatter > 20
        assert width(found) > 3 * width(plain)


def test_probes_that_contradict_one_another_widen_it_too():
    agreeing = [*expected(), Point(100, 10_000, 100), Point(100, 10_000, 100)]
    differing = [*expected(), Point(100, 10_000, 30), Point(100, 10_000, 300)]
    assert width(crossing(differing, LIMIT)) > 2 * width(crossing(agreeing, LIMIT))


def test_overload_and_idleness_say_only_on_which_side_they_lie():
    # A share that stays at a third in overload, and a background of one in a thousand, do not bend the curve.
    far = [Point(300, 10_000, 3300), Point(200, 10_000, 3500), Point(10, 10_000, 10)]
    found = crossing([*expected(), *far], LIMIT)
    assert found.level == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(
    "points", [[], [Point(10, 100, 0)], [Point(10, 100, 0)] * 3, [Point(10, 100, 90)] * 3, [Point(10, 0, 0)]]
)
def test_without_counts_on_both_sides_there_is_no_crossing(points):
    assert crossing(points, LIMIT) is None


def test_the_interval_holds_the_truth_nine_times_in_ten_where_probes_scatter():
    """`tests/simulations/capacity.py` in small: clusters of eight calls, and probes that differ by themselves."""
    rng = random.Random(5)
    holds = 0
    for _ in range(60):
        points = []
        for level in LEVELS:
            share = odds(level * math.exp(rng.gauss(0, 0.02)))
            successes = 8 * sum(rng.random() < share for _ in range(400))
            points.append(Point(level, 3200, successes, variance=8 * successes))
        found = crossing(points, LIMIT)
        holds += (found.low or 0) <= 100 <= (found.high or 1e9)
    assert holds >= 51


def test_a_scatter_is_never_below_one():
    found = crossing([dataclasses.replace(point, effect=0.2) for point in expected()], LIMIT)
    assert found.scatter == 1
