"""The harness's own work on data: plans, histograms and profiles."""

import random
from typing import Any

import numpy as np
import pytest

from harness.model import Scenario
from harness.plans.plan import planned_table, spans
from harness.profiles.stacks.folded import Profile, diff, format_folded, parse_folded
from harness.table.histogram import Histogram, Integers

VALUES = 10_000
STACKS = 500


@pytest.fixture
def times_ns() -> Integers:
    """Return 10,000 latencies."""
    return np.random.default_rng(1).lognormal(13.0, 1.0, VALUES).astype(np.int64)


def _profile(seed: int) -> Profile:
    rng = random.Random(seed)
    stacks = {
        ("operation:call", *(f"function_{rng.randrange(9)} (module_{depth}.py)" for depth in range(12))): 1.0
        for _ in range(STACKS)
    }
    return Profile("samples", stacks)


def test_plan(benchmark: Any) -> None:
    """10,000 Poisson arrivals of two operations."""
    scenario = Scenario("benchmark", "one rate")
    placed = spans(scenario, 1000.0, VALUES / 1000.0, 0.0)
    table = benchmark(planned_table, scenario, placed, {"read": 0.9, "write": 0.1}, 1)
    assert len(table) == VALUES
    assert (np.diff(table["intended_ns"]) >= 0).all()


def test_histogram(benchmark: Any, times_ns: Integers) -> None:
    """A histogram of 10,000 latencies."""
    histogram = benchmark(Histogram.of, times_ns)
    assert (histogram.count, histogram.total) == (VALUES, int(times_ns.sum()))


def test_merge_histograms(benchmark: Any, times_ns: Integers) -> None:
    """20 histograms of 500 latencies each into one."""
    parts = [Histogram.of(part) for part in np.split(times_ns, 20)]
    assert benchmark(Histogram.merge, parts) == Histogram.of(times_ns)


def test_parse_profile(benchmark: Any) -> None:
    """A folded profile of 500 stacks, 13 deep."""
    profile = _profile(1)
    assert benchmark(parse_folded, format_folded(profile)).stacks == profile.stacks


def test_diff_profiles(benchmark: Any) -> None:
    """Two profiles of 500 stacks each."""
    before, after = _profile(1), _profile(2)
    assert benchmark(diff, before, after).change == after.total - before.total
