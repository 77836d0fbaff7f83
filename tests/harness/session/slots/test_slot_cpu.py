"""The work of a process beside its main thread, as a slot tells it."""

import hashlib
import subprocess
import sys
import threading
import time

import pytest

from harness.session.slots import slot_cpu
from harness.session.slots.slot_cpu import Beside, busy, idle_share

DATA = bytes(60_000_000)
CHILD = [sys.executable, "-S", "-E", "-c", "sum(range(3_000_000))"]


def hash_in_a_thread():
    thread = threading.Thread(target=hashlib.sha256, args=(DATA,))
    thread.start()
    thread.join()


def told_by(code):
    """Return the lines that a process of its own prints: that of the tests has threads, and servers as children."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("work", "kind"),
    [
        (lambda: hashlib.sha256(DATA), "none"),
        (hash_in_a_thread, "threads"),
        (lambda: subprocess.run(CHILD, check=True), "children"),
    ],
)
def test_work_beside_the_main_thread_is_told_by_its_cpu_time(work, kind):
    beside, start_ns = Beside(), time.perf_counter_ns()
    work()
    assert beside.kind(time.perf_counter_ns() - start_ns) == kind
    assert (beside.cpu_ns() > 5_000_000) is (kind != "none")


def test_a_process_with_neither_threads_nor_children_is_never_suspected():
    """Thousands of looks on any machine: the readings are the kernel's account of threads that do not exist."""
    assert told_by(FRESH + LOOKS) == ["True none"]


@pytest.mark.parametrize(
    ("threads_ns", "wall_ns", "kind"),
    [(201_000, 0, "threads"), (199_000, 0, "none"), (2_100_000, 1e8, "threads"), (1_900_000, 1e8, "none")],
)
def test_a_little_work_beside_the_thread_does_not_count(monkeypatch, threads_ns, wall_ns, kind):
    beside = Beside()
    monkeypatch.setattr(Beside, "threads_ns", lambda _: threads_ns)
    assert beside.kind(wall_ns) == kind


FRESH = """
import subprocess, sys, threading, time
from harness.session.slots.slot_cpu import Beside, busy, present
"""
LOOKS = """
beside = Beside()
print(max(Beside().threads_ns() for _ in range(5_000)) < 100_000, beside.kind(0.0))
"""
RESTS = """
ended = threading.Event()
thread = threading.Thread(target=ended.wait)
thread.start()
print(present(), busy())
ended.set(), thread.join()
print(present())
"""
CHILD_RUNS = """
with subprocess.Popen(["sleep", "60"]) as child:
    # Its start is work.
    time.sleep(0.3)
    print(present(), busy())
    child.kill(), child.wait()
print(present())
"""


@pytest.mark.parametrize(
    ("code", "told"), [(RESTS, ["threads none", "none"]), (CHILD_RUNS, ["children none", "none"])]
)
def test_a_thread_or_child_that_rests_is_present_until_it_ends_and_not_busy(code, told):
    assert told_by(FRESH + code) == told


def test_a_thread_that_works_makes_a_process_busy_and_its_idle_time_not_idle():
    ended = threading.Event()

    def work():
        while not ended.is_set():
            hashlib.sha256(DATA[:100_000])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert busy() == "threads"
        share = idle_share(0.06)
    finally:
        ended.set()
        thread.join()
    assert share > 10 * idle_share(0.06)


def test_the_cpu_time_of_a_running_child_counts():
    spin, others = "while True: pass", slot_cpu.usage().running.keys()
    with subprocess.Popen([sys.executable, "-S", "-E", "-c", spin]) as child:
        beside = Beside()
        while beside.children_ns() < 20_000_000:
            time.sleep(0.01)
        child.kill()
    assert slot_cpu.usage().running.keys() <= others
