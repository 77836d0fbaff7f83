"""How much of a benchmark a block measures."""

import dataclasses

import pytest

from harness.session.receipt import Concurrency, SessionPlan, State
from harness.session.slots.sizing import (
    Discovery,
    Found,
    SentinelPlan,
    calls_per_slice,
    pairs_per_block,
)


@pytest.mark.parametrize(
    ("slower_ns", "whole_ns", "calls"),
    [
        (1_000, 1_000, 3_000),
        (2_999_999, 3_000_000, 1),
        (5_000_000, 5_000_000, 1),  # longer than a slice: still one call
        (1_000, 9_000, 1_000),  # setups may take twice the slice, not more
        (1, 1e9, 1),
        (0.0, 0.0, 3_000_000),  # a clock that saw nothing divides by nothing
    ],
)
def test_a_slice_holds_as_many_calls_as_fit_into_it(slower_ns, whole_ns, calls):
    assert calls_per_slice(slower_ns, whole_ns, 3_000_000) == calls


@pytest.mark.parametrize(
    ("whole_ns", "calls", "pairs"),
    [
        (1_000, 3_000, 40),
        (25_000_000, 1, 20),  # half a second for each side
        (500_000_000, 1, 5),  # never fewer than five
        (60_000_000_000, 1, 5),
    ],
)
def test_a_long_call_gets_fewer_pairs_but_never_fewer_than_five(whole_ns, calls, pairs):
    assert pairs_per_block(whole_ns, calls, 40) == pairs


def test_a_plan_of_fewer_slices_than_five_is_kept():
    assert pairs_per_block(1e9, 1, 3) == 3


def found(name, ns, state=State.BOTH):
    return Found(name, "test_x.py", state, ns, ns, whole_ns=ns, ready_s=0.1)


def test_a_block_takes_its_slices_its_warm_ups_its_control_and_three_starts():
    plan = SessionPlan(slices=40)
    discovery = Discovery((found("one", 1e6), found("two", 25e6)), start_s=0.5, null_of="one")
    one = 0.05 + 41 * (0.003 + 0.00015)
    two = 0.05 + 21 * (0.025 + 0.00015)
    sentinels = 3 * 4 * 0.0015
    # The null control is timed with its benchmark, in one series of three slots.
    assert discovery.block_s(plan) == pytest.approx(3 * one + 2 * two + 1.5 + sentinels)
    assert discovery.block_s(plan, {"two"}) == pytest.approx(3 * one + 2 * two + 1.5 + sentinels)
    assert discovery.block_s(plan, {"one"}) == pytest.approx(3 * one + 1.5 + sentinels)


def test_what_only_one_side_runs_takes_no_time_in_a_block():
    discovery = Discovery((found("one", 1e6), found("new", 1e6, State.NEW)), start_s=0.0, null_of=None)
    assert discovery.comparable == ("one",)
    assert discovery.block_s(SessionPlan()) == pytest.approx(0.1 + 82 * 0.00315 + 2 * 4 * 0.0015)


def test_a_benchmark_with_threads_has_slices_of_60_ms_and_as_many_as_the_time_allows():
    busy = dataclasses.replace(found("busy", 1e6), concurrency=Concurrency.THREADS)
    planned = busy.planned(SessionPlan())
    assert (planned.calls, planned.pairs, planned.concurrency) == (60, 8, Concurrency.THREADS)
    long = dataclasses.replace(found("long", 4e8), concurrency=Concurrency.CHILDREN).planned(SessionPlan())
    assert (long.calls, long.pairs) == (1, 5)


def test_a_block_with_threads_plans_for_its_long_slices_and_looks_and_for_stopping_the_others():
    busy = dataclasses.replace(found("busy", 1e6), concurrency=Concurrency.THREADS)
    together = Discovery((busy, found("plain", 1e6)), start_s=0.5, null_of="plain")
    apart = Discovery((busy,), start_s=0.5, null_of="busy")
    looks = 4 * (3 * 25 * 0.0015 + 0.06) + 2 * 0.06
    busy_s, plain_s = 0.05 + 9 * (0.06 + 0.0003), 0.05 + 41 * (0.003 + 0.0003)
    assert apart.block_s(SessionPlan()) == pytest.approx(3 * busy_s + 1.5 + looks)
    assert together.block_s(SessionPlan()) == pytest.approx(2 * busy_s + 3 * plain_s + 1.5 + looks)


@pytest.mark.parametrize("benchmarks", [1, 2, 3, 4, 50])
def test_each_slot_reads_the_sentinel_four_times_at_least_and_once_before_each_benchmark(benchmarks):
    plan = SentinelPlan(benchmarks)
    assert benchmarks * plan.per_series() + 1 >= 4
    assert plan.per_series(alone_in_its_slot=True) + 1 == 4
    assert plan.loops == 1
    assert SentinelPlan(50).per_series() == 1


def test_many_benchmarks_with_threads_do_not_make_the_looks_of_a_block_much_longer():
    one, many = (SentinelPlan(benchmarks, is_alone=True) for benchmarks in (1, 50))
    assert (one.loops, many.loops, one.look_every, many.look_every) == (25, 2, 1, 12)
    assert many.seconds(3) < 1.1 * one.seconds(3)


def test_the_slower_side_decides_on_the_calls_of_both():
    one = Found("x", "f", State.BOTH, 1_000.0, 3_000.0, whole_ns=3_000.0)
    assert one.planned(SessionPlan()).calls == 1_000


@pytest.mark.parametrize(("base_ns", "pairs"), [(1e9, 5), (2e9, 5), (3e6, 1)])
def test_a_side_that_is_hundreds_of_times_slower_is_called_once_a_block(base_ns, pairs):
    found = Found("a", "a", State.BOTH, base_ns, 1e9, 1e9)
    assert (found.planned(SessionPlan()).calls, found.planned(SessionPlan()).pairs) == (1, pairs)
