"""What keeps the loop without using a processor is named for what it is, and nothing else is."""

import pytest

from harness.processes import measure
from tests.support.cli import inside

TARGET = """
import ctypes
import time

import gevent.monkey

sleep = gevent.monkey.get_original("time", "sleep")
start_thread = gevent.monkey.get_original("_thread", "start_new_thread")


class Mixed:
    operations = {"blocks": 1, "spins": 1, "waits": 2}

    def make_event(self, operation, rng):
        return operation

    def call(self, event):
        if event == "blocks":
            sleep(0.02)
        elif event == "waits":
            time.sleep(0.02)
        else:
            end_ns = time.thread_time_ns() + 5_000_000
            while time.thread_time_ns() < end_ns:
                pass


class Hog:
    def open(self):
        start_thread(self._hold, ())

    def _hold(self):
        # Called with the interpreter's lock held, as a library in C that does not release it.
        usleep = ctypes.PyDLL(None).usleep
        while True:
            usleep(60_000)
            sleep(0.1)

    def call(self, event):
        time.sleep(0.002)


class Ending:
    def __init__(self):
        self.ahead_s = 0

    def open(self):
        real = time.time
        time.time = lambda: real() + self.ahead_s

    def call(self, event):
        self.ahead_s = 3600
        sleep(0.0001)

    def close(self):
        sleep(3600)


class Opening:
    def call(self, event):
        pass

    def open(self):
        sleep(3600)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("loop")
    (path / "own.py").write_text(TARGET)
    return path


@pytest.fixture(scope="module")
def mixed(folder):
    return inside(
        folder, "run", "closed", "--target", "own.py:Mixed", "--users", 4, "--warmup", "0.2s", "--duration", "1s",
        "--json",
    ).run  # fmt: skip


@pytest.mark.measures
def test_a_call_that_waits_without_gevent_is_named_with_what_it_waited(mixed):
    blocked = mixed["blocked"]["blocks"]
    # 20 ms each, less at most what the processor did for others since the last look.
    assert (
        17e6
        <= blocked["blocked_ns"] / blocked["stretches"]
        <= 20.5e6 + blocked["held_ns"] / blocked["stretches"] - 20e6
    )
    (reason,) = [reason for reason in mixed["reasons"] if "without using the CPU" in reason]
    assert reason.startswith("blocks holds the event loop without using the CPU: ")
    assert mixed["validity"] != "valid"


@pytest.mark.measures
def test_a_call_that_computes_and_one_that_waits_with_gevent_are_not(mixed):
    spins = mixed["blocked"].get("spins", {"blocked_ns": 0, "held_ns": 1})
    assert spins["blocked_ns"] < spins["held_ns"] / 4
    # A wakeup of it may be delayed by the machine, and is then no more than that.
    waits = mixed["blocked"].get("waits", {"blocked_ns": 0, "stretches": 1})
    assert waits["blocked_ns"] / waits["stretches"] < 10e6


@pytest.mark.measures
def test_a_thread_that_holds_the_interpreters_lock_is_neither_the_machine_nor_the_harness(folder):
    run = inside(
        folder, "run", "steady", "--target", "own.py:Hog", "--rate", 200, "--warmup", "0.2s", "--duration", "1s",
        "--json",
    ).run  # fmt: skip
    # Some seven halts of 60 ms: what the machine did in between is not counted.
    assert 0.1e9 < run["stated"]["halted_ns"] < 0.7e9
    (reason,) = [reason for reason in run["reasons"] if "stood still" in reason]
    assert "held the GIL" in reason


def test_a_close_that_hangs_is_bounded_and_the_run_is_kept_and_a_replaced_clock_is_no_step(
    folder, monkeypatch
):
    monkeypatch.setitem(measure.LONGEST_S, "close()", 0.3)
    load = ("--users", 1, "--warmup", "0s", "--duration", "1s")
    said = inside(folder, "run", "closed", "--target", "own.py:Ending", *load, "--json")
    run = said.run
    assert run["outcomes"]["completed"] > 0
    assert (
        "The target's close() did not return within 0.3 s and was killed; the measurements before it are complete"
        in run["reasons"]
    )
    assert not [
        reason for reason in run["reasons"] if "stepped" in reason or "blocked the event loop" in reason
    ]
    assert run["stated"]["replaced_time_s"] == pytest.approx(3600, abs=60)
    assert "the target replaced time.time in its process" in " ".join(said.stderr.split())


def test_an_open_that_hangs_is_named(folder, monkeypatch):
    monkeypatch.setitem(measure.LONGEST_S, "open()", 0.3)
    said = inside(folder, "run", "closed", "--target", "own.py:Opening", "--json")
    assert said.code == 2
    assert "The target's open() did not return within 0.3 s. Check what it waits for in open()" in " ".join(
        said.stderr.split()
    )
