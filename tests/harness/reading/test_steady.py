"""The end of warm-up, from the data."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.clock import NS_PER_S
from harness.reading.steady import Steadiness, end_of_warmup
from harness.reading.summary import load
from tests.support.run_builder import make_run

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


def of_hits_and_misses(run, seed, misses_of_warmup, misses_later):
    """Return the run as a cache makes it: hits of 0.15 ms and misses of 20 ms, of which warm-up may have had more."""
    rng = np.random.default_rng(seed)

    def drawn(rows, misses):
        rows = np.array(rows)
        is_miss = rng.random(len(rows)) < misses
        service_ms = np.where(is_miss, 20.0, 0.15) * rng.lognormal(0, 0.3, len(rows))
        rows["completed_ns"] = rows["entered_ns"] + (service_ms * 1e6).astype(np.int64)
        return rows

    return dataclasses.replace(
        run, warmup=drawn(run.warmup, misses_of_warmup), table=drawn(run.table, misses_later)
    )


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 4.2), st.floats(2.0, 20.0))
def test_it_is_found_where_service_times_come_down_to_those_of_the_measured_time(base, until_s, factor):
    found = end_of_warmup(slowed(base, lambda time_s: factor if time_s < until_s else 1.0))
    assert found.state is Steadiness.STEADY
    # Bins of 0.2 s, smoothed over three.
    assert found.steady_after_s == pytest.approx(until_s, abs=0.45)


def test_a_slow_decay_ends_where_it_is_within_a_tenth(base):
    found = end_of_warmup(slowed(base, lambda time_s: 1 + 4 * np.exp(-time_s / 0.8)))
    assert 1.5 < found.steady_after_s < 4.0
    assert found.sentence.startswith("steady after ")
    assert found.sentence.endswith(" s of 5 s")


def test_a_warm_up_that_changes_nothing_was_steady_at_once(base):
    found = end_of_warmup(base)
    assert (found.state, found.steady_after_s) == (Steadiness.STEADY, 0.0)


@pytest.mark.parametrize(
    ("factor", "state", "words"),
    [
        (3.0, Steadiness.NOT_STEADY, "not steady at the end of 5 s: "),
        (1.5, Steadiness.NOT_STEADY, "not steady at the end of 5 s: "),
        (0.2, Steadiness.FASTER, "faster at the end of 5 s than later: "),
    ],
)
def test_what_is_slower_or_faster_to_the_end_is_told_apart(base, factor, state, words):
    found = end_of_warmup(slowed(base, lambda _time_s: factor))
    assert (found.state, found.steady_after_s) == (state, None)
    assert found.sentence.startswith(words)


def test_what_is_slower_by_far_less_than_a_tenth_is_steady(base):
    assert end_of_warmup(slowed(base, lambda _time_s: 1.03)).state is Steadiness.STEADY


def test_one_slow_call_or_one_stall_does_not_make_warm_up_longer(base):
    for until_s in (4.21, 4.4):
        stalled = slowed(base, lambda time_s, until_s=until_s: 500.0 if 4.2 < time_s < until_s else 1.0)
        assert end_of_warmup(stalled).steady_after_s == 0.0


@pytest.mark.parametrize("misses", [0.3, 0.5])
def test_hits_and_misses_that_are_as_many_as_later_are_no_warm_up(base, misses):
    # A median of few calls jumps between hit and miss, a hundredfold here.
    found = [end_of_warmup(of_hits_and_misses(base, seed, misses, misses)) for seed in range(40)]
    assert [finding.state for finding in found].count(Steadiness.NOT_STEADY) == 0


def test_a_cache_that_still_fills_is_not_steady_and_the_share_of_misses_is_told(base):
    found = [end_of_warmup(of_hits_and_misses(base, seed, 0.6, 0.25)) for seed in range(40)]
    told = [finding for finding in found if finding.state is Steadiness.NOT_STEADY]
    assert len(told) >= 36
    for finding in told:
        assert 0.15e6 < finding.difference.over_ns < 20e6
        # Where the two differ most may lie among the slowest hits.
        assert finding.difference.then == pytest.approx(0.6, abs=0.2)
        assert finding.difference.later == pytest.approx(0.25, abs=0.15)
        assert "of its last calls took over" in finding.sentence


def test_of_many_calls_the_last_ones_are_seen_too(base, monkeypatch):
    monkeypatch.setattr("harness.reading.steady._MOST_CALLS", 300)
    monkeypatch.setattr("harness.table.pieces.PIECE_ROWS", 100)
    found = end_of_warmup(slowed(base, lambda time_s: 4.0 if time_s > 3.5 else 1.0))
    assert found.state is Steadiness.NOT_STEADY


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
