"""Stopping a process with everything below it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.processes.children import descendants
from harness.processes.stopping import resume_tree, set_cpus, stop_tree
from tests.support.processes import survivors

FAMILY = """
import subprocess, sys, threading, time
spin = [sys.executable, "-S", "-E", "-c", "while True: pass"]
subprocess.Popen(spin)
subprocess.Popen(["setsid", *spin])
threading.Thread(target=time.sleep, args=(600,)).start()
print("ready", flush=True)
while True: pass
"""


@pytest.fixture
def family():
    """A process of its own group with a thread, a child, and a child that has left the group; all of them spin."""
    with subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", FAMILY], stdout=subprocess.PIPE, process_group=0
    ) as parent:
        parent.stdout.readline()
        deadline_s = time.monotonic() + 10
        while len({os.getpgid(pid) for pid in descendants(parent.pid)}) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        everyone = [parent.pid, *descendants(parent.pid)]
        yield parent, everyone
        for pid in everyone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def cpu_s(pid):
    return time.clock_gettime(~pid << 3 | 2)


def test_a_stopped_tree_uses_no_cpu_time_until_it_is_resumed(family):
    parent, everyone = family
    assert len(everyone) == 3
    outside = []
    stop_tree(parent.pid, outside)
    deadline_s = time.monotonic() + 10
    while {state(pid) for pid in everyone} != {"T"} and time.monotonic() < deadline_s:
        time.sleep(0.01)
    used_s = [cpu_s(pid) for pid in everyone]
    time.sleep(0.1)
    assert [cpu_s(pid) for pid in everyone] == used_s
    assert [os.getpgid(pid) for pid in outside] == outside, "the one that left the group"
    resume_tree(parent.pid, outside)
    while not all(cpu_s(pid) > before_s for pid, before_s in zip(everyone, used_s, strict=True)):
        time.sleep(0.01)
        assert time.monotonic() < deadline_s + 10


def test_stopped_processes_can_be_killed(family):
    parent, everyone = family
    stop_tree(parent.pid, [])
    os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    assert len(survivors(everyone, 1.0)) == 1, "the one that left the group"


def test_a_tree_that_is_gone_is_no_error():
    with subprocess.Popen(["true"], process_group=0) as gone:
        gone.wait()
    stop_tree(gone.pid, [])
    resume_tree(gone.pid, [gone.pid])
    set_cpus(gone.pid, {0})


def test_all_threads_and_children_get_the_cpus(family):
    parent, everyone = family
    (cpu, *_) = os.sched_getaffinity(0)
    set_cpus(parent.pid, {cpu})
    threads = [int(task.name) for pid in everyone for task in Path(f"/proc/{pid}/task").iterdir()]
    assert len(threads) == 4
    assert all(os.sched_getaffinity(thread) == {cpu} for thread in threads)
