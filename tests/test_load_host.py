"""What the host took from a lag: the run delay since the arrival was due, and none from before it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.load.host import RunDelay

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


HOG = "print(1, flush=True)\nwhile True: pass"
SHARE = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
from harness.load.host import RunDelay
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
