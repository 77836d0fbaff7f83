"""Forecasts of power against simulated sessions of normal noise."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.power import (
    Fixed,
    Sequential,
    blocks_to_clear,
    blocks_to_confirm,
    detectable,
    spread_of,
)
from harness.stats.proportion import clopper_pearson, upper_bound
from harness.stats.sequential import compare_sequentially
from harness.stats.signed_rank import compare_by_ranks


def confirms(draw, blocks, alpha, margin):
    """Whether a sequential confirmation of at most so many blocks stops with a finding."""
    d = []
    for _ in range(blocks):
        d.append(draw())
        found = compare_sequentially(d)
        if found.p_greater <= alpha and found.change >= margin:
            return True
    return False


@pytest.mark.parametrize(
    ("effect", "blocks", "spread", "alpha", "margin"),
    [(0.03, 24, 0.01, 0.01, 0.025), (0.05, 24, 0.04, 0.002, 0.025), (0.01, 30, 0.02, 0.01, 0.005)],
)
def test_the_power_of_a_sequential_session_is_what_a_simulation_finds(effect, blocks, spread, alpha, margin):
    rng = random.Random(3)
    found = sum(confirms(lambda: rng.gauss(effect, spread), blocks, alpha, margin) for _ in range(800))
    low, high = clopper_pearson(found, 800, 0.999)
    assert low <= Sequential(blocks, alpha).chance_to_find(effect, spread, margin) <= high


@pytest.mark.parametrize(("effect", "spread"), [(0.05, 0.04), (0.05, 0.05), (0.03, 0.01), (0.04, 0.02)])
def test_the_power_of_a_fixed_session_is_no_more_than_a_simulation_finds(effect, spread):
    rng = random.Random(4)
    found = 0
    for _ in range(800):
        result = compare_by_ranks([rng.gauss(effect, spread) for _ in range(16)])
        found += result.p_greater <= 0.01 and result.change >= 0.025
    _, high = clopper_pearson(found, 800, 0.999)
    promised = Fixed(16, 0.01).chance_to_find(effect, spread, 0.025)
    assert found / 800 - 0.2 <= promised <= high


@settings(deadline=None)
@given(
    st.integers(10, 40),
    st.floats(0.001, 0.1),
    st.floats(0.005, 0.05),
    st.sampled_from([Sequential, Fixed]),
)
def test_the_detectable_effect_is_found_eighty_times_in_a_hundred(blocks, spread, margin, kind):
    design = kind(blocks, 0.01)
    effect = detectable(design, spread, margin)
    assert effect >= margin
    assert design.chance_to_find(effect, spread, margin) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    "design", [Sequential(8, 0.01), Fixed(6, 0.01), Sequential(10, 0.001), Fixed(0, 0.01)]
)
def test_blocks_that_cannot_reach_alpha_detect_nothing(design):
    assert detectable(design, 0.01, 0.025) is None
    assert design.chance_to_find(1.0, 0.01, 0.025) == 0


@pytest.mark.parametrize(("effect", "spread"), [(0.05, 0.01), (0.03, 0.02), (0.04, 0.06)])
def test_the_blocks_asked_for_do_confirm(effect, spread):
    blocks = blocks_to_confirm(effect, spread, 0.01, 0.025)
    assert Sequential(blocks, 0.01).chance_to_find(effect, spread, 0.025) >= 0.8


@pytest.mark.parametrize(("effect", "spread"), [(0.0, 0.01), (0.01, 0.03), (-0.02, 0.1)])
def test_the_blocks_asked_for_do_clear(effect, spread):
    blocks = blocks_to_clear(effect, spread, 0.025)
    rng = random.Random(4)
    cleared = sum(
        compare_sequentially([rng.gauss(effect, spread) for _ in range(blocks)]).high < 0.025
        for _ in range(1000)
    )
    assert upper_bound(cleared, 1000, 0.999) >= 0.8


def test_an_effect_at_the_margin_is_told_from_it_by_no_number_of_blocks():
    assert blocks_to_confirm(0.025, 0.01, 0.01, 0.025) is None
    assert blocks_to_clear(0.025, 0.01, 0.025) is None


def test_the_spread_is_that_of_the_middle():
    rng = random.Random(5)
    values = [rng.gauss(0, 0.01) for _ in range(2000)]
    assert spread_of(values) == pytest.approx(0.01, rel=0.1)
    assert spread_of([*values, *[10.0] * 20]) == pytest.approx(0.01, rel=0.1)
    assert spread_of([0.1]) is None
    assert spread_of([0.1, 0.1]) == 0
