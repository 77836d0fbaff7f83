"""CPU profiles: py-spy on a real process of known behaviour, and its text sorted by owner."""

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.capture.cpu import CpuProfiler, Mode, Recording, cpu_seconds, fold, no_rights
from harness.profiles.capture.ptrace import allow_ptrace
from harness.profiles.capture.pyspy_text import sort_stacks
from harness.profiles.capture.rights import can_profile
from harness.profiles.stacks.idle import is_waiting
from harness.profiles.stacks.marker import marker_name

HOSTILE = "GET /a;b (x.py:3)\nürl 😀"
MARKER = f"{marker_name('list')} (/w/harness/profiles/stacks/marker.py:70)"
WORKER = "OpenModel._work (/w/harness/load/open_model.py:120)"
HUB = "Hub.run (/v/lib/python3.11/site-packages/gevent/hub.py:700)"

TARGET = """
import queue, sys, threading, time
from gevent.threadpool import ThreadPool
sys.path.insert(0, sys.argv[1])
from harness.profiles.stacks.marker import marked
from harness.profiles.capture.ptrace import allow_ptrace
allow_ptrace(int(sys.argv[2]))
print("ready", flush=True)

class Core:
    def call(self, seconds):
        self.spin(time.thread_time() + seconds)
    def spin(self, end):
        while time.thread_time() < end:
            pass

# Workers that have nothing to do, each waiting in a way of its own; the first was what most samples were of.
pool = ThreadPool(1)
pool.spawn(int).get()
threading.Thread(target=queue.Queue().get, args=(True, 1000), daemon=True).start()

long, short = marked(Core().call, sys.argv[3]), marked(Core().call, "short")
while True:
    long(0.009)
    short(0.001)
"""


@pytest.fixture
def target(supervisor, tmp_path):
    script = tmp_path / "checkout" / "busy.py"
    script.parent.mkdir()
    script.write_text(TARGET)
    child = supervisor.start(
        "target",
        [sys.executable, str(script), os.getcwd(), str(os.getpid()), HOSTILE],
        log=tmp_path / "target.log",
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"ready\n"
    return child


def record(profiler, seconds):
    assert profiler.start(), profiler.reason
    time.sleep(seconds)
    recording = profiler.stop()
    assert recording is not None, profiler.reason
    return recording


@pytest.mark.measures
def test_samples_go_to_the_operation_that_spent_the_time(supervisor, target, tmp_path):
    profiler = CpuProfiler(supervisor, target.pid, tmp_path / "raw.txt", tmp_path / "py-spy.log", rate_hz=200)
    recording = record(profiler, 1.5)
    profile, facts = fold(recording, [str(tmp_path / "checkout")])
    parts = profile.by_operation()
    assert set(parts) <= {HOSTILE, "short", "(outside)"}
    # The truth is 90 %; the bounds are four standard deviations of a hundred samples.
    assert facts.kept > 100
    assert 0.78 < parts[HOSTILE].total / facts.kept <= 1
    assert ("Core.call (busy.py)", "Core.spin (busy.py)") in parts[HOSTILE].stacks
    assert (
        profile.lines["Core.call (busy.py)"]
        == TARGET.split("\n").index("        self.spin(time.thread_time() + seconds)") + 1
    )
    assert facts.samples == facts.kept + facts.idle + facts.paced + facts.torn
    assert [stack for stack in profile.stacks if is_waiting(stack[-1])] == []
    # One thread works, so each second of its CPU is at most as many samples as were asked for.
    assert facts.rate_got_hz == pytest.approx((facts.samples - facts.idle) / facts.cpu_s)
    assert (facts.mode, facts.torn, facts.errors) == ("blocking", 0, 0)
    assert facts.cpu_s > 0
    assert target.poll() is None


def test_the_target_runs_on_after_a_nonblocking_recording(supervisor, target, tmp_path):
    profiler = CpuProfiler(
        supervisor, target.pid, tmp_path / "raw.txt", tmp_path / "py-spy.log", mode=Mode.NONBLOCKING
    )
    _, facts = fold(record(profiler, 0.5))
    assert facts.mode == "nonblocking"
    assert facts.samples == facts.kept + facts.idle + facts.paced + facts.torn
    assert target.poll() is None


def test_a_process_that_ends_first_still_has_its_profile(supervisor, target, tmp_path):
    profiler = CpuProfiler(supervisor, target.pid, tmp_path / "raw.txt", tmp_path / "py-spy.log")
    assert profiler.start(), profiler.reason
    time.sleep(0.5)
    profiler.observe()
    target.stop()
    recording = profiler.stop()
    assert recording is not None, profiler.reason
    assert recording.cpu_s > 0
    profile, facts = fold(recording)
    assert profile.total == facts.kept > 0


def test_a_process_that_is_gone_gives_a_sentence_and_no_exception(supervisor, target, tmp_path):
    target.stop()
    profiler = CpuProfiler(supervisor, target.pid, tmp_path / "raw.txt", tmp_path / "py-spy.log")
    assert not profiler.start()
    assert "Check that the process is running" in profiler.reason
    assert profiler.stop() is None


def test_an_output_that_cannot_be_written_is_known_before_the_recording(supervisor, tmp_path):
    profiler = CpuProfiler(supervisor, os.getpid(), tmp_path / "no" / "raw.txt", tmp_path / "py-spy.log")
    assert not profiler.start()
    assert "cannot be written (No such file or directory)" in profiler.reason
    assert not (tmp_path / "py-spy.log").exists()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Permission Denied: Try running again with elevated permissions", True),
        ("Caused by: Operation not permitted (os error 1)", True),
        ("Error: Failed to get process executable name.", False),
    ],
)
def test_missing_rights_are_told_from_other_failures(said, expected):
    assert no_rights(said) is expected


def test_the_doctor_learns_whether_profiling_works():
    ability = can_profile()
    assert ability.sentence.endswith(".")
    assert ability.ok is (ability.remedy == "")


def test_allowing_a_tracer_never_fails():
    assert allow_ptrace(os.getpid()) in {True, False}


def test_cpu_time_is_that_of_the_process_and_none_when_it_is_gone(target):
    assert cpu_seconds(target.pid) >= 0
    target.stop()
    assert cpu_seconds(target.pid) is None


def sort(*rows, **options):
    return sort_stacks("".join(f"{row}\n" for row in rows), ["/w"], **options)


def test_a_stack_begins_at_its_marker_and_names_modules():
    found = sort(
        f"{WORKER};{MARKER};Core.call (/w/shop/core.py:7);dumps (/usr/lib/python3.11/json/__init__.py:231) 5"
    )
    assert found.profile.stacks == {
        ("operation:list", "Core.call (shop/core.py)", "dumps (json/__init__.py)"): 5
    }


def test_lines_shift_no_key_and_the_heaviest_is_kept():
    first = sort(f"{MARKER};f (/w/m.py:7) 5", f"{MARKER};f (/w/m.py:9) 6")
    second = sort(f"{MARKER};f (/w/m.py:107) 11")
    assert first.profile.stacks == second.profile.stacks
    assert first.profile.lines == {"f (m.py)": 9}


def test_work_handed_to_a_thread_belongs_to_its_operation():
    root = "Thread._bootstrap (/usr/lib/python3.11/threading.py:1002)"
    found = sort(f"{root};{MARKER};bound (/w/harness/load/split.py:124);{MARKER};f (/w/m.py:1) 2")
    assert found.profile.stacks == {("operation:list", "bound (harness/load/split.py)", "f (m.py)"): 2}


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        (f"{WORKER};Caller.make (/w/harness/load/calling.py:50)", "(driver)"),
        (f"{HUB};switch (/w/x.py:1)", "(driver)"),
        ("Thread._bootstrap (/usr/lib/python3.11/threading.py:1002);beat (/w/m.py:1)", "(outside)"),
        ("<module> (/w/m.py:1)", "(outside)"),
        (HUB, "idle"),
        (
            "OpenModel._pace (/w/harness/load/open_model.py:80);OpenModel._wait_until (/w/harness/load/open_model.py:90)",
            "paced",
        ),
        ("OpenModel._pace (/w/harness/load/open_model.py:80)", "(driver)"),
        (f"{MARKER};{HUB}", "torn"),
        (f"{MARKER};sleep (/v/lib/python3.11/site-packages/gevent/hub.py:166);dumps (/w/j.py:1)", "torn"),
        (f"{MARKER};{marker_name('other')} (/w/harness/profiles/stacks/marker.py:70);f (/w/m.py:1)", "torn"),
        (f"{MARKER}; (:0)", "torn"),
        ("leaf (/w/m.py:1)", "torn"),
    ],
)
def test_every_stack_has_one_owner(stack, place):
    found = sort(f"{stack} 3", may_tear=True)
    owners = {
        "idle": found.idle,
        "paced": found.paced,
        "torn": found.torn,
        **{name: part.total for name, part in found.profile.by_operation().items()},
    }
    assert {name: samples for name, samples in owners.items() if samples} == {place: 3}


POOL = "_WorkerGreenlet.run (/v/lib/python3.11/site-packages/gevent/threadpool.py:163)"
THREAD = "Thread._bootstrap (/usr/lib/python3.11/threading.py:1002)"


@pytest.mark.parametrize(
    "innermost",
    [
        "acquire_with_timeout (/v/lib/python3.11/site-packages/gevent/_threading.py:36)",
        "_Condition.wait (/v/lib/python3.11/site-packages/gevent/_threading.py:86)",
        "Condition.wait (/usr/lib/python3.11/threading.py:324)",
        "wait (/usr/lib/python3.11/threading.py:324)",
        "EpollSelector.select (/usr/lib/python3.11/selectors.py:468)",
        "socket.accept (/usr/lib/python3.11/socket.py:293)",
        "SocketIO.readinto (/usr/lib/python3.11/socket.py:706)",
        "_worker (/usr/lib/python3.11/concurrent/futures/thread.py:81)",
        "Popen._try_wait (/usr/lib/python3.11/subprocess.py:1964)",
        HUB,
    ],
)
def test_a_thread_that_waits_uses_no_cpu_and_the_whole_is_conserved(innermost):
    work = f"{THREAD};{MARKER};f (/w/m.py:1)"
    found = sort(f"{POOL};{innermost} 57", f"{work} 40", f"{POOL};Queue.get (/w/m.py:9) 3")
    assert (found.idle, found.profile.total, found.torn) == (57, 43, 0)
    assert not [name for stack in found.profile.stacks for name in stack if is_waiting(name)]


def test_a_call_that_waits_for_a_lock_in_a_thread_uses_no_cpu_meanwhile():
    work = f"{THREAD};{MARKER};f (/w/m.py:1)"
    found = sort(f"{work};Condition.wait (/usr/lib/python3.11/threading.py:324) 5", f"{work} 40")
    assert (found.idle, found.profile.stacks) == (5, {("operation:list", "f (m.py)"): 40})


@pytest.mark.parametrize(
    "function", ["wait (/w/shop/threading.py:3)", "Core.select (/w/core.py:1)", "run (/w/gevent/x.py:1)"]
)
def test_a_function_of_the_target_is_never_taken_for_a_wait(function):
    assert sort(f"{MARKER};{function} 3").idle == 0


def test_an_unknown_root_is_the_targets_own_greenlet_when_nothing_can_tear():
    assert sort("leaf (/w/m.py:1) 3").profile.stacks == {("(outside)", "leaf (m.py)"): 3}


frames = st.sampled_from(
    [MARKER, WORKER, HUB, "f (/w/m.py:1)", "g (<string>:2)", "h (/w/m.py)", "", "?", "a\\b"]
)


@given(st.lists(st.tuples(st.lists(frames, min_size=1, max_size=5), st.integers(1, 9))), st.booleans())
def test_no_sample_is_lost_or_counted_twice(stacks, may_tear):
    found = sort(*(f"{';'.join(names)} {samples}" for names, samples in stacks), may_tear=may_tear)
    assert found.profile.total + found.idle + found.paced + found.torn == sum(
        samples for _, samples in stacks
    )


def test_a_recording_of_nothing_is_an_empty_profile(tmp_path):
    (tmp_path / "raw.txt").write_text("")
    recording = Recording(tmp_path / "raw.txt", Mode.BLOCKING, 100, 0, 0, 1.0, 0.0, 0.0)
    profile, facts = fold(recording)
    assert (profile.total, facts.rate_got_hz) == (0, None)
