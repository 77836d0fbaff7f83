"""Garbage collection and the account of memory."""

import gc
import weakref

import pytest

from targets.asset_core.allocations import AllocationTracker, Usage, resident_bytes
from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.gc_policy import STEP_BYTES, THRESHOLDS, GcPolicy
from targets.asset_core.switches import parse_switches


@pytest.fixture
def before():
    thresholds, frozen = gc.get_threshold(), gc.get_freeze_count()
    yield thresholds
    assert (gc.get_threshold(), gc.get_freeze_count()) == (thresholds, frozen)


class Memory:
    """A process whose memory is what the test says."""

    def __init__(self):
        self.bytes = 0
        self.tracker = AllocationTracker(lambda: self.bytes, limit_bytes=1_000)


def test_the_policy_holds_while_a_core_is_open_and_the_interpreters_settings_come_back(host, before):
    hosted = host()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > 0
    hosted.core.close()
    assert gc.get_threshold() == before


def test_switched_off_the_interpreter_does_as_it_does(host, before):
    host(switches=parse_switches("optimised", "gc_policy:off"))
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_the_policy_holds_until_the_last_core_is_closed(host, before):
    one, other = host(), host()
    one.core.close()
    one.core.close()
    assert gc.get_threshold() == THRESHOLDS
    other.core.close()
    assert gc.get_threshold() == before


def test_it_collects_over_the_limit_and_again_only_after_more_growth(before):
    memory = Memory()
    policy = GcPolicy(memory.tracker)
    memory.bytes = 2_000_000_000
    policy.between_batches()
    assert policy.collections == 0, "not applied"
    policy.apply()
    memory.bytes = 1_000
    policy.between_batches()
    assert policy.collections == 0, "not over the limit"
    memory.bytes = STEP_BYTES
    policy.between_batches()
    memory.bytes += STEP_BYTES - 1
    policy.between_batches()
    assert policy.collections == 1, "hardly grown"
    memory.bytes += 1
    policy.between_batches()
    assert policy.collections == 2
    policy.undo()


def fail_with(memory, used_bytes):
    memory.bytes = used_bytes
    raise ZeroDivisionError


def test_memory_is_noted_before_and_after_each_piece_of_work_by_its_kind():
    memory = Memory()
    tracker = memory.tracker
    for before_bytes, after_bytes in ((100, 300), (250, 240)):
        memory.bytes = before_bytes
        with tracker.watch("a"):
            memory.bytes = after_bytes
    with pytest.raises(ZeroDivisionError), tracker.watch("b"):
        fail_with(memory, 500)
    assert tracker.usages() == {
        "a": Usage(calls=2, before_bytes=250, after_bytes=240, grown_bytes=190, peak_bytes=300),
        "b": Usage(calls=1, before_bytes=240, after_bytes=500, grown_bytes=260, peak_bytes=500),
    }


def test_each_call_each_batch_and_each_job_is_noted(host):
    hosted = host()
    hosted.post("/assets/batch-get", {"ids": [SHARED_ID] * 25})
    hosted.post("/jobs", {"kind": "risk-correlation", "data": {"ids": [SHARED_ID]}, "wait": True})
    calls = {kind: usage.calls for kind, usage in hosted.core.allocations().items()}
    assert calls == {"process_assets": 1, "batch": 3, "risk-correlation": 1}


def test_resident_memory_is_that_of_this_process():
    before = resident_bytes()
    ballast = bytearray(64 * 1024**2)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert 48 * 1024**2 < resident_bytes() - before < 256 * 1024**2


def test_a_collection_between_batches_frees_what_only_it_can_free(before):
    memory = Memory()
    policy = GcPolicy(memory.tracker)
    policy.apply()
    circle = Memory()
    circle.itself, gone = circle, weakref.ref(circle)
    del circle
    memory.bytes = 2_000_000_000
    policy.between_batches()
    assert gone() is None
    policy.undo()
