"""The wait profile: what is put on a stack and when, whose frames stay, and what is said where there is none."""

import sys
import types

import msgspec
import pytest

from harness.errors import InvalidRunError
from harness.load.owner import Waiting
from harness.load.waits import Waits
from harness.profiles.capture.wait import (
    BUCKET_SHIFT,
    WAITS,
    OperationWaits,
    WaitRecord,
    bucket_of,
    fold,
    read,
)
from harness.profiles.stacks.folded import read_folded
from harness.profiles.stacks.marker import marked, running
from harness.profiling.waiting import HOOK_TAKEN, NO_SPLIT, OFF, profile_waits
from harness.run.directory import RunDirectory
from harness.table.heldby import DRIVER, IDLE, SPECIAL
from harness.table.histogram import bucket_of as fine_bucket_of

LEAST_NS = 100


class Clock:
    """What the split would keep, on a clock that the test moves."""

    def __init__(self):
        self.now_ns = 1_000
        self.held = [0] * (1 + SPECIAL)
        self.mark_ns = self.collected_in_target_ns = 0


class Call:
    """One call after another of one operation, each of which waits once or more, all on the loop's idle time."""

    def __init__(self):
        self.clock = Clock()
        self.run = marked(self._call, "get")
        self.waits = Waits(self.clock, [self.run.__code__], lambda: self.clock.now_ns, LEAST_NS)

    def _call(self, lengths_ns):
        owner = types.SimpleNamespace(
            holder=0, root=self, run_ns=0, waiting=Waiting(), is_shared=False, seen=True
        )
        start_ns = self.clock.now_ns
        owner.run_ns = start_ns
        self.waits.begin(owner, start_ns)
        for length_ns in lengths_ns:
            self.clock.now_ns += length_ns
            self.clock.held[IDLE] += length_ns
            self._come_back(owner)
        return owner, self.clock.now_ns - start_ns

    def _come_back(self, owner):
        self._hook(owner)

    def _hook(self, owner):
        # As the switch hook, from which the stack is read.
        self.waits.came_back(owner, owner.root, self.clock.now_ns)

    def __call__(self, *lengths_ns, counts=True):
        owner, waited_ns = self.run(lengths_ns)
        self.waits.end(owner, self.clock.now_ns, 5_000 if counts else None, waited_ns, 0)
        return self.on_stacks()

    def on_stacks(self):
        return sum(cell[2] for cell in self.waits.record(["get"]).operations["get"].cells)


def test_a_long_wait_is_on_its_stack_at_once_and_stops_at_the_marker():
    call = Call()
    assert call(150) == 150
    record = call.waits.record(["get"])
    (stack,) = fold([record]).waiting.stacks
    assert stack == (
        "operation:get", "(loop idle)", "Call._call (tests/harness/profiles/capture/test_wait.py)",
        "Call._come_back (tests/harness/profiles/capture/test_wait.py)",
    )  # fmt: skip
    assert (record.reads, record.read_frames) == (1, 3)


def test_short_waits_add_up_until_they_are_worth_a_stack_over_calls_too():
    call = Call()
    assert call(60, 30) == 0
    # What is left of one call is the next one's to put on a stack, and nothing is lost or counted twice.
    assert call(20) == 110
    assert call(99) == 110
    assert call(99, 99) == 110 + 99 + 99
    assert call.waits.reads == 2
    profiles = fold([call.waits.record(["get"])])
    assert profiles.waiting.total == 60 + 30 + 20 + 99 + 99 + 99
    assert profiles.facts.on_no_stack_s == pytest.approx(99e-9)


def test_what_a_call_of_the_warm_up_waited_is_nobodys():
    call = Call()
    call(60)
    assert call(70, 200, counts=False) == 0
    assert call(50) == 110
    assert fold([call.waits.record(["get"])]).waiting.total == 110


def test_reading_a_stack_is_the_drivers_time_and_not_the_calls():
    call = Call()
    call.waits._now_ns = lambda: call.clock.now_ns + 7
    call(150)
    assert call.waits.spent_ns == call.clock.held[DRIVER] == call.clock.mark_ns == 7


def record(*stacks, operation="get", cells=(), parallel=(), idle=0, busy=0):
    """Return a record of stacks given as names of frames."""
    frames = list(dict.fromkeys(name for stack in stacks for name in stack))
    return WaitRecord(
        frames=[(name, path, 1) for name, path in frames],
        stacks=[[frames.index(name) for name in stack] for stack in stacks],
        operations={operation: OperationWaits(idle, busy, [*cells], [*parallel])},
        least_ns=1, reads=len(stacks), read_frames=0, spent_ns=0,
    )  # fmt: skip


MARKER = ("operation:get", "/src/harness/profiles/stacks/marker.py")
OUTER, INNER = ("outer", "/src/app.py"), ("Store.get", "/src/store.py")
LOOP = (
    ("sleep", "/v/lib/python3.11/site-packages/gevent/hub.py"),
    ("Hub.switch", "/v/lib/python3.11/site-packages/gevent/hub.py"),
)


def test_the_frame_that_waited_is_the_last_that_is_not_the_loops_own():
    found = fold([record((MARKER, OUTER, INNER, *LOOP), cells=[(1, 0, 5, 7)], idle=5, busy=7)], ["/src"])
    own = ("outer (app.py)", "Store.get (store.py)")
    assert found.waiting.stacks == {
        ("operation:get", "(loop idle)", *own): 5,
        ("operation:get", "(loop busy)", *own): 7,
    }
    assert found.by_latency.of("get", {1: 1.0}) == ({own[-1]: 5}, {own[-1]: 7})


def test_a_target_that_is_the_loops_own_function_keeps_it():
    (stack,) = fold([record((MARKER, *LOOP), cells=[(1, 0, 5, 0)], idle=5)]).waiting.stacks
    assert stack[2:] == ("sleep (gevent/hub.py)",)


def test_driver_frames_and_inner_markers_are_left_out_and_a_cut_stack_says_so():
    pool = ("Pool.work", "/src/pool.py")
    stacks = ((pool, MARKER, OUTER, MARKER, INNER), (OUTER, INNER))
    found = fold([record(*stacks, parallel=[(0, 3, 0), (1, 0, 4)])], ["/src"]).parallel.stacks
    assert found == {
        ("operation:get", "(loop idle)", "outer (app.py)", "Store.get (store.py)"): 3,
        ("operation:get", "(loop busy)", "(more callers)", "outer (app.py)", "Store.get (store.py)"): 4,
    }


def test_records_of_several_processes_add_up_whatever_numbers_they_gave_to_stacks():
    one = record((MARKER, OUTER), (MARKER, INNER), cells=[(1, 0, 10, 0), (2, 1, 20, 0)], idle=35)
    two = record((MARKER, INNER), cells=[(2, 0, 1, 2)], idle=1, busy=2)
    found = fold([one, two], ["/src"])
    assert found.waiting.total == 38
    assert found.waiting.stacks["operation:get", "(loop idle)", "Store.get (store.py)"] == 21
    assert found.waiting.stacks["operation:get", "(loop idle)", "(short waits)"] == 5
    idle, busy = found.by_latency.of("get", {1: 0.5, 2: 1.0})
    assert (idle, busy) == (
        {"outer (app.py)": 5, "Store.get (store.py)": 21},
        {"Store.get (store.py)": 2},
    )


@pytest.mark.parametrize("value", [0, 1, 255, 256, 300, 4_095, 4_096, 123_456_789, 10**12])
def test_latency_buckets_are_those_of_the_histogram_by_sixteens(value):
    import numpy as np

    assert bucket_of(value) == int(fine_bucket_of(np.array([value]))[0]) >> BUCKET_SHIFT


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b'{"frames":[]}', {"cells": [(1, 1, 5, 5)]}, {"cells": [(1, 0, -5, 5)]}, {"parallel": [(-2, 1, 1)]}],
)  # fmt: skip
def test_a_damaged_record_is_a_clear_error(tmp_path, damage):
    content = damage if isinstance(damage, bytes) else msgspec.json.encode(record((MARKER, OUTER), **damage))
    (tmp_path / WAITS).write_bytes(content)
    with pytest.raises(InvalidRunError, match="record of waiting is damaged"):
        read(tmp_path)


@pytest.fixture
def directory(tmp_path):
    return RunDirectory.create(tmp_path, "run", "")


def put(directory, part, *records):
    folder = directory.timing / part
    folder.mkdir(exist_ok=True)
    for one in records:
        (folder / WAITS).write_bytes(msgspec.json.encode(one))


@pytest.mark.parametrize(
    ("no_hook", "records", "why"),
    [
        (NO_SPLIT, 0, "without the split (--no-split)"),
        (HOOK_TAKEN, 0, "without the split (another tool of the process has taken its hook)"),
        (None, 0, "wrote none before its end"),
        (None, 1, "no call waited"),
    ],
)
def test_a_profile_that_cannot_be_had_says_why(directory, no_hook, records, why):
    put(directory, "", *([record()] * records))
    facts = profile_waits(directory, {"get": 10}, none=no_hook and OFF.format(no_hook))
    assert why in facts.reason
    assert facts.file is None
    assert not directory.wait.exists()


def test_a_worker_that_was_lost_is_missed_and_the_others_are_used(directory):
    one = record((MARKER, OUTER), cells=[(1, 0, 10, 0)], idle=10)
    put(directory, "worker-0", one)
    put(directory, "worker-1")
    facts = profile_waits(directory, {"get": 10}, none=None)
    assert "lacks 1 of 2 workers" in facts.reason
    assert facts.requests == {"get": 10}
    assert read_folded(directory.wait / "wait.folded").total == 10
    put(directory, "worker-1", one)
    facts = profile_waits(directory, {"get": 10}, none=None)
    assert facts.reason is None
    assert read_folded(directory.wait / "wait.folded").total == 20


def test_a_stack_under_another_marker_ends_there_too():
    assert running("get")(lambda: sys._getframe(1).f_code.co_name) == "operation:get"
