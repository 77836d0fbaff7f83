"""Why a thread is late: the CPU times of target, harness and process tell it."""

import threading
import time

import pytest

from harness.clock import SystemClock
from harness.load.threads import lateness
from harness.load.threads.lateness import Lateness

MS = 1_000_000


class Kernel:
    """CPU times and a run delay that the test sets."""

    def __init__(self, monkeypatch):
        self.process_ns = self.harness_ns = self.run_delay_ns = 0
        self.now_ns = 0
        monkeypatch.setattr(lateness.SystemClock, "now_ns", lambda: self.now_ns)
        monkeypatch.setattr(lateness.time, "process_time_ns", lambda: self.process_ns)
        monkeypatch.setattr(lateness.RunDelay, "total_ns", lambda _self: self.run_delay_ns)
        self.lateness = Lateness(lambda: self.harness_ns)

    def look(self, now_ns, until_ns=None):
        self.now_ns = until_ns or now_ns
        self.lateness.look(now_ns)


@pytest.fixture
def kernel(monkeypatch):
    return Kernel(monkeypatch)


@pytest.mark.parametrize(
    ("late", "process", "harness", "delay", "target", "host"),
    [
        # A call computed all the time.
        (5 * MS, 5 * MS, 0, 0, 5 * MS, 0),
        # The harness did: nothing is excused.
        (5 * MS, 5 * MS, 5 * MS, 0, 0, 0),
        # The target, the harness, and some time in which nobody ran.
        (4 * MS, 3 * MS, 1 * MS, 0, 2 * MS, 1 * MS),
        (4 * MS, 3_900_000, 3 * MS, 0, 900_000, 0),
        # The machine ran something else.
        (5 * MS, 0, 0, 5 * MS, 0, 5 * MS),
        # No thread of the process ran for long, although one had work: it was stopped, or the lock held without the CPU.
        (50 * MS, 0, 0, 0, 0, 50 * MS),
        # Calls on two processors: no more than the whole delay.
        (5 * MS, 10 * MS, 0, 0, 5 * MS, 0),
        # A timer is never exact.
        (100_000, 100_000, 0, 0, 0, 0),
    ],
)
def test_a_delay_is_the_target_s_as_far_as_it_used_the_cpu(
    kernel, late, process, harness, delay, target, host
):
    due_ns = 1_000 * MS
    kernel.look(due_ns - 1)
    kernel.process_ns, kernel.harness_ns, kernel.run_delay_ns = process, harness, delay
    assert kernel.lateness.causes(due_ns, due_ns + late) == (target, host)


def test_what_was_used_before_the_due_time_is_no_cause(kernel):
    kernel.process_ns = 500 * MS
    kernel.look(999 * MS)
    kernel.process_ns += MS
    assert kernel.lateness.causes(1_000 * MS, 1_004 * MS) == (MS, 3 * MS)


def test_a_call_that_runs_while_the_times_are_read_is_a_cause(kernel):
    kernel.look(900 * MS)
    # The lock went away in the middle of the look, at 999 ms, to a call that kept it for 200 ms.
    kernel.process_ns += 200 * MS
    kernel.look(999 * MS, 1_199 * MS)
    assert kernel.lateness.causes(1_000 * MS, 1_200 * MS) == (200 * MS, 0)


def test_calls_that_were_late_together_share_one_halt(kernel):
    kernel.look(999 * MS)
    for due in (1_000, 1_010, 1_020):
        assert kernel.lateness.causes(due * MS, 1_100 * MS) == (0, (1_100 - due) * MS)
    assert kernel.lateness.halted_ns == kernel.lateness.longest_halt_ns == 100 * MS


def test_a_call_that_keeps_the_interpreter_s_lock_is_the_cause():
    lasting, is_due = threading.Event(), threading.Event()

    def call():
        is_due.set()
        # One instruction of the interpreter: no other thread runs meanwhile.
        sum(range(30_000_000))
        lasting.set()

    watch = Lateness(time.thread_time_ns)
    thread = threading.Thread(target=call)
    due_ns = SystemClock.now_ns()
    watch.look(due_ns)
    thread.start()
    lasting.wait()
    now_ns = SystemClock.now_ns()
    target_ns, host_ns = watch.causes(due_ns, now_ns)
    thread.join()
    watch.close()
    assert target_ns > 0
    assert now_ns - due_ns - target_ns - host_ns < 0.2 * (now_ns - due_ns)
