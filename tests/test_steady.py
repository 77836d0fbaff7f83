"""The end of warm-up, from the data."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_builder import make_run

from harness.clock import NS_PER_S
from harness.steady import Steadiness, end_of_warmup
from harness.summary import load

WARMUP_S = 5.0


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A run of 10 s after 5 s of warm-up at 200/s, one kind of call of 2 ms."""
    folder = make_run(
        tmp_path_factory.mktemp("run"), warmup_s=WARMUP_S, operations={"call": 1.0}, service_ms=2.0, sigma=0.2
    )
    return load(folder)


def slowed(run, factor_at):
    """Return the run with the service times of warm-up multiplied by what `factor_at` says of the time in it."""
    warmup = np.array(run.warmup)
    factor = np.vectorize(factor_at, otypes=[float])(warmup["intended_ns"] / NS_PER_S + WARMUP_S)
    service = (warmup["completed_ns"] - warmup["entered_ns"]) * factor
    warmup["completed_ns"] = warmup["entered_ns"] + service.astype(np.int64)
    return dataclasses.replace(run, warmup=warmup)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 4.4), st.floats(2.0, 20.0))
def test_it_is_found_where_service_times_come_down_to_those_of_the_measured_time(base, until_s, factor):
    found = end_of_warmup(slowed(base, lambda time_s: factor if time_s < until_s else 1.0))
    assert found.state is Steadiness.STEADY
    # Bins of 0.1 s, smoothed over three.
    assert found.steady_after_s == pytest.approx(until_s, abs=0.25)


def test_a_slow_decay_ends_where_it_is_within_a_tenth(base):
    found = end_of_warmup(slowed(base, lambda time_s: 1 + 4 * np.exp(-time_s / 0.8)))
    assert 1.5 < found.steady_after_s < 4.0
    assert found.sentence.startswith("steady after ")
    assert found.sentence.endswith(" s of 5 s")


def test_a_warm_up_that_changes_nothing_was_steady_at_once(base):
    found = end_of_warmup(base)
    assert (found.state, found.steady_after_s) == (Steadiness.STEADY, 0.0)


@pytest.mark.parametrize("factor", [3.0, 0.2])
def test_what_is_slower_or_faster_to_the_end_is_not_steady(base, factor):
    found = end_of_warmup(slowed(base, lambda _time_s: factor))
    assert (found.state, found.steady_after_s) == (Steadiness.NOT_STEADY, None)
    assert "not steady at the end of 5 s" in found.sentence


def test_one_slow_call_does_not_make_warm_up_longer(base):
    assert (
        end_of_warmup(slowed(base, lambda time_s: 500.0 if 4.2 < time_s < 4.21 else 1.0)).steady_after_s
        == 0.0
    )


def test_without_enough_calls_nothing_is_claimed(tmp_path):
    few = load(make_run(tmp_path, rate_per_s=10.0, warmup_s=2.0))
    assert end_of_warmup(few).state is Steadiness.TOO_FEW
    none = load(make_run(tmp_path, warmup_s=0.0))
    assert end_of_warmup(none).as_json() == {
        "state": "no warm-up",
        "planned_s": 0.0,
        "steady_after_s": None,
        "sentence": "none",
    }
