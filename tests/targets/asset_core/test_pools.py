import gc
import json
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.pools import LIST_CAPACITY, LIST_KEPT, ObjectPool, Slab
from targets.asset_core.request import NOBODY, Request
from targets.asset_core.switches import OPTIMISED, parse_switches
from targets.asset_core.workspace import BatchAnswer, Outcome, Processed

UNPOOLED = parse_switches("optimised", "object_pools:off")


class Thing:
    def __init__(self):
        self.idle, self.held = False, None

    def reset(self):
        self.held = None


def test_what_is_returned_is_used_again_and_holds_nothing():
    pool = ObjectPool(Thing, 2)
    first = pool.take()
    first.held = Thing()
    gone = weakref.ref(first.held)
    pool.give(first)
    assert pool.take() is first
    assert (first.held, gone()) == (None, None)


def test_it_keeps_no_more_than_its_limit():
    pool = ObjectPool(Thing, 2)
    taken = [pool.take() for _ in range(5)]
    for each in taken:
        pool.give(each)
    assert pool.free == 2


def test_a_second_return_is_an_error_and_changes_nothing():
    pool = ObjectPool(Thing, 2)
    taken = pool.take()
    pool.give(taken)
    with pytest.raises(ValueError, match="Thing was given back before"):
        pool.give(taken)
    assert pool.free == 1


@pytest.mark.parametrize("limit", [0, 1])
def test_an_error_returns_what_was_lent(limit):
    pool = ObjectPool(Thing, limit)
    with pytest.raises(ZeroDivisionError), pool.lend() as lent:
        lent.held = 1 / 0
    assert pool.free == limit
    assert (lent.idle, lent.held) == (True, None)


def test_an_object_that_is_never_returned_is_simply_gone():
    pool = ObjectPool(Thing, 2)
    gone = weakref.ref(pool.take())
    assert (gone(), pool.free) == (None, 0)


def test_no_object_is_lent_to_two_at_once():
    pool = ObjectPool(Thing, 4)
    clashes = []

    def work():
        for _ in range(300):
            with pool.lend() as lent:
                if lent.held is not None:
                    clashes.append(lent)
                lent.held = threading.current_thread()
                threading.Event().wait(0)
                if lent.held is not threading.current_thread():
                    clashes.append(lent)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []


@given(st.lists(st.lists(st.integers(), max_size=120), max_size=6))
def test_a_list_holds_what_it_was_last_filled_with(fills):
    slab = Slab()
    for values in fills:
        slab.fill(values)
        assert (slab.count, list(slab.values())) == (len(values), values)
        assert slab.capacity >= LIST_CAPACITY
    slab.reset()
    assert (slab.count, list(slab.values())) == (0, [])
    assert set(slab._slots) == {None}


def test_a_list_stays_allocated_and_what_grew_too_far_is_cut_back():
    slab = Slab()
    slots = slab._slots
    slab.fill(range(LIST_CAPACITY))
    assert slab.capacity == LIST_CAPACITY
    slab.fill(range(LIST_KEPT + 300))
    slab.reset()
    assert slab.capacity == LIST_KEPT
    assert slab._slots is slots


def test_a_list_that_is_filled_with_less_lets_go_of_the_rest():
    slab = Slab()
    values = [Thing() for _ in range(3)]
    gone = weakref.ref(values[2])
    slab.fill(values)
    slab.fill(values[:1])
    del values
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("used", "fresh"),
    [
        (Processed("a", "b", "c", 1, 2.0, "d"), Processed("", "", "", 0, 0.0, "")),
        (BatchAnswer([Outcome("a")]), BatchAnswer([])),
    ],
)
def test_results_and_answers_are_reset_to_their_first_state(used, fresh):
    used.reset()
    assert used == fresh


def test_a_request_is_reset_to_its_first_state():
    used = Request("GET", "/", {"a": "b"}, {"c": "d"})
    used.operation, used.target_id, used.principal, used.scope = "x", "y", object(), object()
    used.reset()
    fresh = Request()
    assert all(getattr(used, name) == getattr(fresh, name) for name in Request.__slots__)
    assert used.principal is NOBODY


@pytest.mark.parametrize(("switches", "kept"), [(OPTIMISED, True), (UNPOOLED, False)])
def test_requests_and_results_come_back_whatever_the_answer(host, switches, kept):
    hosted = host(switches=switches)
    ids = [SHARED_ID, "host:gone"]
    for _ in range(3):
        assert hosted.post("/assets/batch-get", {"ids": ids})["statusCode"] == 200
        assert hosted.post("/assets/batch-get", {"ids": ["#"]})["statusCode"] == 400
        assert hosted.core.handler(None)["statusCode"] == 400
    hosted.resources.processor.executor.close()
    assert hosted.post("/assets/batch-get", {"ids": ids})["statusCode"] == 500
    workspace = hosted.resources.workspace
    requests = hosted.core.handler.__self__._requests
    assert [pool.free for pool in (requests, workspace.assets, workspace.answers, workspace.risks)] == [
        kept
    ] * 4


def test_no_answer_changes_when_its_objects_are_used_again(host):
    hosted = host()
    ids = [hosted.inventory.identity(number)[1] for number in range(40)]
    first = hosted.post("/assets/batch-get", {"ids": ids})
    before = json.loads(first["body"])
    hosted.post("/assets/batch-get", {"ids": list(reversed(ids))})
    assert json.loads(first["body"]) == before


def test_results_are_released_once(host, scope):
    hosted = host()
    processor = hosted.resources.processor
    outcomes = list(processor.process("tenant-01", [SHARED_ID], scope))
    processor.release(outcomes)
    with pytest.raises(ValueError, match="given back before"):
        processor.release(outcomes)
