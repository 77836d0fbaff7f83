"""Design effects: what dependent trials tell."""

import math
import random

import pytest

from harness.stats.clusters import Stretch, chi_square_quantile, spread
from harness.stats.student import student_quantile


def test_even_stretches_cost_only_the_correction_for_their_number():
    found = spread([Stretch(500, 5)] * 20)
    assert found.effect == found.cautious == pytest.approx((1.729 / 1.645) ** 2, rel=0.002)
    assert not found.is_clustered


def test_clusters_that_fill_whole_stretches_make_each_stretch_one_trial():
    found = spread([Stretch(500, 500 * (place % 2)) for place in range(20)])
    assert found.effect == pytest.approx(500 * 20 / 19 * 1.105, rel=0.01)
    assert found.cautious > found.effect
    assert found.is_clustered


def test_stretches_of_unequal_length_with_one_share_show_no_clusters():
    assert not spread([Stretch(100 * place, 10 * place) for place in range(1, 21)]).is_clustered


def test_one_large_cluster_is_known_worse_than_many_of_a_kind():
    one = spread([Stretch(500, 60 if place == 3 else 2) for place in range(20)])
    many = spread([Stretch(500, 16 if place % 2 else 0) for place in range(20)])
    assert one.cautious / one.effect > 2 * many.cautious / many.effect


def test_the_effect_of_clusters_of_one_size_is_that_size():
    rng = random.Random(1)
    found = []
    for _ in range(300):
        stretches = [[0, 500] for _ in range(20)]
        for _ in range(50):
            stretches[rng.randrange(20)][0] += 4
        found.append(spread([Stretch(calls, over) for over, calls in stretches]).effect / 1.105)
    assert sum(found) / len(found) == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("parts", [[], [Stretch(100, 1)], [Stretch(0, 0)] * 20])
def test_fewer_than_two_stretches_tell_nothing(parts):
    assert math.isinf(spread(parts).cautious)


@pytest.mark.parametrize("share", [0, 1])
def test_none_or_all_is_no_cluster(share):
    assert spread([Stretch(50, 50 * share)] * 20).effect < 1.2


def test_quantiles_are_those_of_the_tables():
    assert student_quantile(0.95, 8) == pytest.approx(2.306, rel=0.002)
    assert student_quantile(0.95, math.inf) == pytest.approx(1.960, rel=0.001)
    assert chi_square_quantile(0.95, 19) == pytest.approx(30.144, rel=0.002)
    assert chi_square_quantile(0.05, 19) == pytest.approx(10.117, rel=0.005)
