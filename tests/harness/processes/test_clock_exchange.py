"""The place of another machine's clock: its bounds contain the truth, whatever the network and the clocks do."""

import random

import pytest

from harness.clock import NS_PER_S, SystemClock, wall_ns
from harness.processes.clock_exchange import ClockExchange, WorkerClock, placement, this_clock

MS = 1_000_000
# The master's wall clock when the worker's monotonic clock is zero.
ZERO_NS = 1_760_000_000 * NS_PER_S


def exchanged(seconds, there_ns, back_ns, drift=0.0, seed=1):
    """Return the exchange after one question a second, with delays drawn by the two functions; `drift` is s/s."""
    rng, exchange = random.Random(seed), ClockExchange()
    for second in range(seconds):
        asked_ns = second * NS_PER_S
        heard_ns = asked_ns + there_ns(rng)
        answered_ns = heard_ns + back_ns(rng)
        exchange.answered(asked_ns, answered_ns, ZERO_NS + round(heard_ns * (1 + drift)))
    return exchange


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("there_ms", "back_ms"),
    [(20, 20), (40, 1), (1, 40), (0.2, 0.2)],
    ids=["even", "slow there", "slow back", "near"],
)
def test_the_truth_is_within_the_stated_error_of_a_lopsided_network(there_ms, back_ms, seed):
    exchange = exchanged(
        30, lambda rng: round((there_ms + rng.expovariate(0.2)) * MS), lambda rng: round((back_ms + rng.expovariate(0.2)) * MS), seed=seed
    )  # fmt: skip
    clock = exchange.clock()
    assert abs(clock.zero_unix_ns - ZERO_NS) <= clock.error_ns
    # No worse than half of the quickest round trip that a lucky answer of 30 has, and never better than the network.
    assert (there_ms + back_ms) / 2 <= clock.error_ns / MS + 0.001 <= (there_ms + back_ms) / 2 + 5


def test_one_slow_answer_spoils_nothing():
    exchange = exchanged(10, lambda _: MS, lambda _: MS)
    before = exchange.clock()
    exchange.answered(10 * NS_PER_S, 18 * NS_PER_S, ZERO_NS + 17 * NS_PER_S)
    # The two clocks may have drifted in the 10 s, by 100 ppm.
    assert exchange.clock().error_ns - before.error_ns == MS
    assert exchange.clock().zero_unix_ns == before.zero_unix_ns


def test_a_master_whose_clock_was_set_is_seen():
    exchange = exchanged(10, lambda _: MS, lambda _: MS)
    exchange.answered(10 * NS_PER_S, 10 * NS_PER_S + 2 * MS, ZERO_NS + 15 * NS_PER_S)
    assert exchange.clock().error_ns >= 5 * NS_PER_S


def test_the_drift_of_a_long_test_is_part_of_the_error():
    """50 ppm for an hour are 180 ms, where each answer is good for 1 ms."""
    clock = exchanged(3600, lambda _: MS, lambda _: MS, drift=50e-6).clock()
    assert 170 * MS <= clock.error_ns <= 190 * MS
    for second in (0, 1800, 3599):
        true_ns = ZERO_NS + round(second * NS_PER_S * 50e-6)
        assert abs(clock.zero_unix_ns - true_ns) <= clock.error_ns


def test_only_what_is_known_of_the_test_counts():
    exchange = exchanged(3600, lambda _: MS, lambda _: MS, drift=50e-6)
    late = exchange.clock(since_ns=3500 * NS_PER_S)
    assert late.error_ns < 10 * MS
    assert abs(late.zero_unix_ns - ZERO_NS - round(3540 * NS_PER_S * 50e-6)) <= late.error_ns


def test_without_an_answer_nothing_is_known_and_an_answer_before_its_question_is_none():
    exchange = ClockExchange()
    exchange.answered(5, 4, ZERO_NS)
    clock = exchange.clock()
    assert (clock.zero_unix_ns, clock.error_ns) == (None, None)
    assert clock.boot
    assert placement(7, WorkerClock(boot="another kernel"), this_clock()) is None


def test_a_process_of_this_machine_is_placed_exactly():
    here, now_ns = this_clock(), SystemClock.now_ns()
    placed = placement(now_ns, ClockExchange().clock(), here)
    assert placed.error_ns == 0
    assert abs(placed.origin_unix_ns - wall_ns()) < 5 * NS_PER_S
    # Two processes of one machine keep the difference of their readings to the nanosecond.
    assert (
        placement(now_ns + 1, WorkerClock(boot=here.boot), here).origin_unix_ns - placed.origin_unix_ns == 1
    )


def test_another_time_namespace_of_this_kernel_is_another_machine():
    here = this_clock()
    apart = WorkerClock(boot=here.boot, zero_unix_ns=here.zero_unix_ns - 1000 * NS_PER_S, error_ns=MS)
    placed = placement(1000 * NS_PER_S, apart, here)
    assert (placed.origin_unix_ns, placed.error_ns) == (here.zero_unix_ns, MS)
    assert placement(0, WorkerClock(boot="", zero_unix_ns=5, error_ns=2), here).error_ns == 2
