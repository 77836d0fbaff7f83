"""Levels from effects: sums along a chain, loops that agree, loops that do not."""

import math
import random

import pytest

from harness.history.chain import Edge, levels, reachable


def chain(count, effect=0.02, error=0.005):
    return [Edge(number, number + 1, effect, error) for number in range(count)]


def test_effects_add_up_and_so_do_their_variances():
    found = levels(chain(9), 0)
    assert found[9].value == pytest.approx(0.18)
    assert found[9].error == pytest.approx(0.015)
    assert (found[0].value, found[0].error) == (0, 0)


def test_an_anchor_ties_the_whole_chain():
    found = levels([*chain(9), Edge(0, 9, 0.18, 0.005)], 0)
    assert found[9].error < 0.005
    assert found[4].error < levels(chain(9), 0)[4].error


def test_the_order_and_the_direction_of_measurements_do_not_matter():
    edges = chain(6)
    turned = [Edge(edge.candidate, edge.base, -edge.effect, edge.error) for edge in edges]
    random.Random(1).shuffle(turned)
    assert levels(turned, 0)[6].value == pytest.approx(levels(edges, 0)[6].value)


def test_loops_that_disagree_by_more_than_their_errors_widen_all_intervals():
    agreeing, disagreeing = (levels([*chain(4), Edge(0, 4, effect, 0.005)], 0)[4] for effect in (0.08, 0.16))
    assert disagreeing.error > 4 * agreeing.error


def test_what_is_not_tied_has_no_level():
    edges = [*chain(2), Edge(7, 8, 0.1, 0.01)]
    assert set(reachable(edges, 0)) == {0, 1, 2}
    assert set(levels(edges, 0)) == {0, 1, 2}
    assert set(levels(edges, 99)) == {99}


def test_the_interval_holds_the_truth_nineteen_times_in_twenty():
    rng, held = random.Random(5), 0
    for _ in range(300):
        edges = [Edge(number, number + 1, rng.gauss(0.02, 0.005), 0.005) for number in range(12)]
        edges.append(Edge(0, 9, rng.gauss(0.18, 0.005), 0.005))
        level = levels(edges, 0)[12]
        held += level.low < 0.24 < level.high
    assert held / 300 >= 0.92
    assert math.isfinite(level.error)
