"""What the machine did to a process, from two readings of /proc."""

import itertools
import os
import subprocess
import sys
import time

import pytest

from harness.clock import SystemClock
from harness.processes import host_watch
from harness.processes.host_watch import HostWatch


class Machine:
    """A process directory whose numbers the test sets, and a clock that goes with it."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.time_ns = 0
        monkeypatch.setattr(SystemClock, "now_ns", lambda: self.time_ns)

    def at(self, seconds, on_cpu_s, run_delay_s):
        self.time_ns = round(seconds * 1e9)
        (self.folder / "schedstat").write_text(f"{round(on_cpu_s * 1e9)} {round(run_delay_s * 1e9)} 77\n")

    def watch(self, duration_s=10.0):
        watch = HostWatch(os.getpid(), duration_s)
        watch._process = self.folder
        return watch


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


def test_shares_are_of_the_time_between_the_first_reading_and_the_last(machine):
    watch = machine.watch()
    for elapsed_s, on_cpu_s, delay_s in ((0, 5.0, 1.0), (4, 6.0, 1.1), (10, 9.0, 1.5)):
        machine.at(elapsed_s, on_cpu_s, delay_s)
        watch.tick(elapsed_s)
    facts = watch.facts()
    assert facts.cpu_share == pytest.approx(0.4)
    assert facts.descheduled_share == pytest.approx(0.05)


def test_warm_up_and_what_comes_after_the_end_are_not_looked_at(machine):
    watch = machine.watch()
    for elapsed_s, on_cpu_s in ((-1.0, 0.0), (0.0, 2.0), (10.0, 3.0), (10.6, 90.0)):
        machine.at(elapsed_s, on_cpu_s, 0.0)
        watch.tick(elapsed_s)
    assert watch.facts().cpu_share == pytest.approx(0.1)


def test_a_process_that_ends_keeps_its_last_reading(machine):
    watch = machine.watch()
    for elapsed_s, on_cpu_s in ((0.0, 0.0), (2.0, 1.0)):
        machine.at(elapsed_s, on_cpu_s, 0.0)
        watch.tick(elapsed_s)
    (machine.folder / "schedstat").unlink()
    watch.tick(3.0)
    assert watch.facts().cpu_share == pytest.approx(0.5)


@pytest.mark.parametrize("content", ["", "1", "x y z"])
def test_what_the_kernel_does_not_tell_is_not_known(machine, content):
    watch = machine.watch()
    (machine.folder / "schedstat").write_text(content)
    for elapsed_s in (0.0, 1.0):
        watch.tick(elapsed_s)
    facts = watch.facts()
    assert facts.cpu_share is facts.descheduled_share is facts.steal_share is None


def test_one_reading_has_no_share(machine):
    watch = machine.watch()
    machine.at(0.0, 1.0, 1.0)
    watch.tick(0.0)
    assert watch.facts().cpu_share is None


def test_without_a_reading_nothing_is_known():
    facts = HostWatch(os.getpid(), 1.0).facts()
    assert facts.cpu_share is facts.descheduled_share is facts.steal_share is None


def test_a_number_that_went_backwards_is_no_negative_share(machine):
    watch = machine.watch()
    for elapsed_s, delay_s in ((0.0, 5.0), (1.0, 4.0)):
        machine.at(elapsed_s, 0.0, delay_s)
        watch.tick(elapsed_s)
    assert watch.facts().descheduled_share == 0.0


@pytest.mark.parametrize(("script", "is_busy"), [("while True: pass", True), ("input()", False)])
def test_a_real_process_that_spins_is_told_from_one_that_sleeps(script, is_busy):
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as child:
        try:
            watch = HostWatch(child.pid, 60.0)
            # Until it has used a processor for long enough, however busy the machine is.
            started_ns = SystemClock.now_ns()
            for _ in itertools.count():
                watch.tick((SystemClock.now_ns() - started_ns) / 1e9)
                used_ns = watch._last["on_cpu_ns"] - watch._first["on_cpu_ns"]
                waited_ns = watch._last["run_delay_ns"] - watch._first["run_delay_ns"]
                if (SystemClock.now_ns() - started_ns > 2e8 and not is_busy) or used_ns + waited_ns > 2e8:
                    break
                time.sleep(0.02)
            facts = watch.facts()
        finally:
            child.kill()
    assert 0 <= facts.steal_share <= 1
    if is_busy:
        # It always wants a processor: it has one, or it waits for one.
        assert facts.cpu_share + facts.descheduled_share > 0.8
    else:
        assert facts.cpu_share < 0.5


def test_a_process_that_is_gone_is_no_error():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    watch = HostWatch(child.pid, 1.0)
    watch.tick(0.0)
    assert watch.facts().cpu_share is None


class Threads:
    """A process directory with threads, and the machine's ticks beside it."""

    def __init__(self, folder, monkeypatch):
        self._folder = folder
        self._time_ns = 0
        self._busy_ticks = 0
        monkeypatch.setattr(SystemClock, "now_ns", lambda: self._time_ns)
        monkeypatch.setattr(host_watch, "_numbers", self._numbers)
        self._times = {}
        self.watch = HostWatch(os.getpid(), 10.0, of_all_threads=True)
        self.watch._process = folder

    def at(self, seconds, busy_s, **times_s):
        """Set the time, what all processors have done, and (on a processor, waiting for one) of each thread."""
        self._time_ns = round(seconds * 1e9)
        self._busy_ticks = busy_s * os.sysconf("SC_CLK_TCK")
        for task in self._times.keys() - times_s.keys():
            (self._folder / "task" / task).rmdir()
        for task in times_s:
            (self._folder / "task" / task).mkdir(parents=True, exist_ok=True)
        self._times = times_s
        self.watch.tick(seconds)

    def _numbers(self, path, _skip, _count):
        if path.name == "stat":
            return [self._busy_ticks, 0, 0, 1_000.0, 0, 0, 0, 0]
        return [seconds * 1e9 for seconds in self._times[path.parent.name]]


@pytest.fixture
def threads(tmp_path, monkeypatch):
    return Threads(tmp_path, monkeypatch)


def test_times_of_threads_add_up_and_a_thread_that_ended_keeps_its_own(threads):
    threads.at(0, busy_s=100, one=(1, 0), two=(0, 0))
    threads.at(1, busy_s=103, one=(1.25, 0.05), two=(0.25, 0), three=(0.25, 0.05))
    threads.at(2, busy_s=106, one=(1.5, 0.1), two=(0.5, 0))
    facts = threads.watch.facts()
    assert facts.cpu_share == pytest.approx((0.5 + 0.5 + 0.25) / 2)
    assert facts.descheduled_share == pytest.approx(0.15 / 2)


def test_threads_that_wait_at_once_are_delayed_for_a_share_of_the_time_in_which_they_could_run(threads):
    threads.at(0, busy_s=0, one=(0, 0), two=(0, 0), three=(0, 0))
    threads.at(1, busy_s=5, one=(0.5, 0.5), two=(0, 1), three=(0, 1))
    assert threads.watch.facts().descheduled_share == pytest.approx(2.5 / 3)


def test_threads_that_wait_for_one_another_are_delayed_by_no_other_process(threads):
    threads.at(0, busy_s=10, one=(0, 0), two=(0, 0))
    threads.at(1, busy_s=11.02, one=(0.5, 0.5), two=(0.5, 0.5))
    assert threads.watch.facts().descheduled_share == pytest.approx(0.02)
