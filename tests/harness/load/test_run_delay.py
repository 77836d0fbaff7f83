"""What the host took from a lag: the run delay since the arrival was due, and none from before it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.load.blocking import Blocking
from harness.load.run_delay import RunDelay

MS = 1_000_000


@pytest.fixture
def account(tmp_path):
    """A kernel's account that the test keeps."""
    path = tmp_path / "schedstat"
    path.write_text("0 0 0\n")
    return path


def test_a_delay_from_before_the_arrival_was_due_excuses_nothing(account):
    delay = RunDelay(str(account))
    account.write_text(f"9 {70 * MS} 9\n")
    delay.look(100 * MS)
    account.write_text(f"9 {75 * MS} 9\n")
    assert delay.since_ns(101 * MS, 110 * MS) == 5 * MS
    delay.close()


def test_all_who_were_late_together_share_one_delay(account):
    delay = RunDelay(str(account))
    delay.look(100 * MS)
    account.write_text(f"9 {5 * MS} 9\n")
    assert [delay.since_ns(due_ns * MS, 110 * MS) for due_ns in (101, 102, 109)] == [5 * MS] * 3
    # Who is due after that was looked at has a part in what came later only.
    account.write_text(f"9 {7 * MS} 9\n")
    assert delay.since_ns(111 * MS, 120 * MS) == 2 * MS
    assert delay.since_ns(109 * MS, 121 * MS) == 7 * MS
    delay.close()


def test_it_is_not_looked_at_all_the_time(account):
    delay = RunDelay(str(account))
    delay.look(100 * MS)
    account.write_text(f"9 {5 * MS} 9\n")
    delay.look(100 * MS + 900_000)
    assert delay.since_ns(101 * MS, 101 * MS) == 5 * MS
    delay.close()


def test_without_an_account_nothing_is_excused(tmp_path):
    delay = RunDelay(str(tmp_path / "missing"))
    delay.look(5 * MS)
    assert delay.since_ns(0, 10 * MS) == 0
    delay.close()


class Thread:
    """What the test says that the thread had of the processor."""

    def __init__(self):
        self.cpu_ns = 0


def test_a_thread_that_slept_with_work_to_do_was_kept_and_all_who_were_late_share_it(account):
    thread = Thread()
    delay = RunDelay(str(account), lambda: thread.cpu_ns)
    delay.look(100 * MS)
    thread.cpu_ns = 1 * MS
    # Due at 101, let go at 161: it had the processor for 1 ms. Who came due at the end was late by little.
    assert delay.kept_ns(101 * MS, 161 * MS, 60 * MS) == 59 * MS
    assert delay.kept_ns(159 * MS, 161 * MS, 2 * MS) == 1 * MS
    assert delay.halted_ns == delay.longest_halt_ns == 59 * MS
    delay.close()


@pytest.mark.parametrize(("cpu_ms", "descheduled_ms"), [(58, 0), (0, 58), (30, 28)])
def test_a_thread_that_ran_or_was_ready_is_not_taken_for_one_that_slept(account, cpu_ms, descheduled_ms):
    thread = Thread()
    delay = RunDelay(str(account), lambda: thread.cpu_ns)
    delay.look(100 * MS)
    thread.cpu_ns = cpu_ms * MS
    account.write_text(f"9 {descheduled_ms * MS} 9\n")
    assert delay.kept_ns(101 * MS, 161 * MS, 60 * MS) == descheduled_ms * MS
    assert delay.halted_ns == 0
    delay.close()


def test_long_stretches_are_held_against_the_processor_by_holder(account):
    thread = Thread()
    delay = RunDelay(str(account), lambda: thread.cpu_ns)
    blocking = Blocking(delay, 3)
    delay.look(100 * MS)
    thread.cpu_ns, _ = 1 * MS, account.write_text(f"9 {2 * MS} 9\n")
    blocking.held(0, 100 * MS, 120 * MS)
    thread.cpu_ns = 21 * MS
    blocking.held(-1, 120 * MS, 140 * MS)
    assert blocking.stretches == [1, 0, 1]
    assert blocking.held_ns == [20 * MS, 0, 20 * MS]
    assert blocking.blocked_ns == [17 * MS, 0, 0]
    delay.close()
    # Greenlets may end after the model has.
    blocking.held(0, 140 * MS, 150 * MS)


HOG = "print(1, flush=True)\nwhile True: pass"
SHARE = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
from harness.load.blocking import Blocking
from harness.load.run_delay import RunDelay
delay = RunDelay()
start_ns = time.perf_counter_ns()
delay.look(start_ns)
# The hog beside takes its turns of some ms; what it took is at most the time that passed.
while delay.since_ns(start_ns, start_ns) < 20e6 and time.perf_counter_ns() - start_ns < 20e9:
    pass
taken_ns, passed_ns = delay.since_ns(start_ns, start_ns), time.perf_counter_ns() - start_ns
assert 20e6 <= taken_ns <= passed_ns, (taken_ns, passed_ns)
"""


@pytest.mark.skipif(not Path("/proc/thread-self/schedstat").exists(), reason="the kernel keeps no account")
def test_a_busy_neighbour_on_the_same_processor_is_found():
    cpu = min(os.sched_getaffinity(0))
    hog = subprocess.Popen(
        [sys.executable, "-c", HOG],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),  # noqa: PLW1509 - no threads here
    )
    try:
        assert hog.stdout.readline() == b"1\n"
        subprocess.run([sys.executable, "-c", SHARE, str(cpu)], check=True, timeout=60)
    finally:
        hog.kill()
        hog.communicate()


def test_looks_take_no_more_memory_in_the_end_than_in_the_beginning(tmp_path):
    """The measured process must not grow by what the harness keeps."""
    account = tmp_path / "schedstat"
    account.write_text("1000000 2000000 3\n")
    kept = RunDelay(str(account), lambda: int(1e12))
    before = sys.getallocatedblocks()
    for place in range(1, 6000):
        kept.look(place * 2_000_000)
    assert sys.getallocatedblocks() - before < 500
    kept.close()
