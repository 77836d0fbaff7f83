"""What a process tree uses, from real processes of known behaviour."""

import itertools
import subprocess
import sys

import pytest

from harness.processes import server_watch
from harness.processes.server_watch import Reading, ServerWatch

PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE)
print("ready", flush=True)
sys.stdin.readline()
child.communicate()
print("waited", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def family():
    """Return a function that starts a process with a child of the given source, and a word to go on."""
    processes = []

    def start(child):
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT.format(child=child)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def go_on(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_a_tree_is_read_as_a_whole(family):
    process = family("import sys; sys.stdin.read()")
    watch = ServerWatch(process.pid)
    watch.tick(0.0)
    usage = watch.usage()
    assert usage.at_s == [0.0]
    assert usage.processes == [2]
    assert usage.threads == [2]
    assert usage.rss_bytes[0] > 2 * 2**20
    assert usage.descriptors[0] >= 6


def test_the_time_of_a_child_that_ended_is_kept(family):
    process = family("import sys, time\nsys.stdin.read()\nwhile time.process_time() < 0.3: pass")
    watch = ServerWatch(process.pid)
    watch.tick(0.0)
    assert go_on(process) == "waited\n"
    watch.tick(1.0)
    usage = watch.usage()
    assert usage.processes == [2, 1]
    assert usage.cpu_s[1] - usage.cpu_s[0] > 0.15


def test_a_tree_that_has_ended_keeps_its_last_reading(family):
    process = family("import sys; sys.stdin.read()")
    watch = ServerWatch(process.pid)
    watch.tick(0.0)
    process.kill()
    process.wait()
    watch.tick(1.0)
    assert watch.usage().at_s == [0.0]


def test_readings_of_a_long_run_are_thinned_out_evenly(monkeypatch):
    watch = ServerWatch(1)
    monkeypatch.setattr(watch, "_read", lambda: Reading(0.0, 1, 1, 1, 1))
    for tenth in range(36_000):
        watch.tick(tenth / 10)
    at_s = watch.usage().at_s
    assert 250 < len(at_s) <= server_watch._MOST_READINGS
    gaps = {round(after - before, 3) for before, after in itertools.pairwise(at_s)}
    assert max(gaps) <= 2 * min(gaps)
    assert at_s[0] == 0
    assert at_s[-1] > 3_580
