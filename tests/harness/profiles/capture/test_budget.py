"""What sampling costs: a process that is held for a known part of the time, and the rate that keeps a budget."""

import os
import signal
import subprocess
import sys
import time

import pytest

from harness.profiles.capture.budget import LEAST_RATE_HZ, Overhead, overhead, rate_within
from harness.profiles.capture.stops import Looks, StopWatch
from harness.profiles.facts import CpuFacts
from reports.shared.profilers import overhead_words

SPIN = "while True: pass"


@pytest.fixture
def process():
    child = subprocess.Popen([sys.executable, "-c", SPIN])
    yield child
    child.kill()
    child.wait()


def test_a_process_that_is_held_half_of_the_time_is_found_held_in_half_of_the_looks(process):
    watch = StopWatch(process.pid, per_s=1000)
    watch.start()
    for _ in range(20):
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.02)
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.02)
    watch.stop()
    seen = watch.looks
    assert seen.looks > 50
    assert 0.25 < seen.share < 0.75


def test_a_process_that_nobody_holds_is_never_found_held_and_a_watch_ends_with_it(process):
    watch = StopWatch(process.pid, per_s=1000)
    watch.start()
    time.sleep(0.1)
    process.kill()
    process.wait()
    watch.stop()
    assert watch.looks.looks > 0
    assert watch.looks.held == 0


def test_a_watch_that_was_never_started_saw_nothing():
    watch = StopWatch(os.getpid())
    watch.stop()
    assert watch.looks == Looks(0, 0)
    assert overhead(watch.looks, 0.5, 1) is None


def test_the_cost_is_the_part_of_the_looks_with_its_exact_interval():
    cost = overhead(Looks(1000, 20), 0.5, processors=2)
    assert cost.share == 0.02
    # Clopper and Pearson for 20 of 1,000.
    assert (cost.low, cost.high) == pytest.approx((0.01226, 0.03073), abs=2e-5)


def test_on_one_processor_the_profilers_own_work_is_a_cost_too():
    assert overhead(Looks(1000, 20), 0.08, processors=1).share == 0.08
    assert overhead(Looks(1000, 20), 0.01, processors=1).share == 0.02


@pytest.mark.parametrize(
    ("cost", "looks", "rate_hz"),
    [
        (Overhead(0.07, 0.06, 0.08), 1000, 25),  # 0.9 of 100 x 2 / 7
        (Overhead(0.03, 0.019, 0.05), 1000, 100),  # The budget may still hold.
        (Overhead(0.07, 0.06, 0.08), 20, 100),  # Too few looks to act upon.
        (Overhead(0.9, 0.8, 0.95), 1000, LEAST_RATE_HZ),
        (None, 1000, 100),
    ],
)
def test_the_rate_falls_only_where_the_budget_is_exceeded_beyond_doubt(cost, looks, rate_hz):
    assert rate_within(100, cost, looks, 0.02) == rate_hz


def test_a_rate_below_the_least_is_never_raised():
    assert rate_within(5, Overhead(0.9, 0.8, 0.95), 1000, 0.02) == 5


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.0, 0.01, ", within the budget"), (0.01, 0.03, "not certainly within"), (0.03, 0.05, "more than")],
)
def test_the_cost_is_said_beside_the_budget(low, high, words):
    facts = CpuFacts(
        rate_asked_hz=100, overhead_share=0.012, overhead_low_share=low, overhead_high_share=high,
        overhead_budget_share=0.02,
    )  # fmt: skip
    assert words in overhead_words(facts)
    assert "100 times a second cost 1.2 % of the time" in overhead_words(facts)
    assert overhead_words(CpuFacts(overhead_budget_share=0.02)) == ""
