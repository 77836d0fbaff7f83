"""Events as every call gets them: shared, compared or made anew, and never as another call left them."""

import collections
import dataclasses
import datetime as dt
import io
import random
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TargetError
from harness.target.events import prepare_events
from harness.target.renewing import Look, Nature, Renewable, events_changed, give_back, renewable, taken
from tests.harness.target.test_events import a_target


@dataclasses.dataclass(frozen=True)
class Frozen:
    value: object


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("event", "nature"),
    [
        ("text", Nature.SHARED),
        ((1, (b"x", None)), Nature.SHARED),
        (frozenset({1}), Nature.SHARED),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), Nature.SHARED),
        (Frozen(1), Nature.SHARED),
        (print, Nature.SHARED),
        ({}, Nature.COMPARED),
        ([1], Nature.COMPARED),
        (([1],), Nature.COMPARED),
        (bytearray(b"x"), Nature.COMPARED),
        (collections.OrderedDict(a=[1]), Nature.COMPARED),
        ({"input": io.BytesIO()}, Nature.USED_UP),
        (iter([1]), Nature.USED_UP),
        (Frozen([1]), Nature.UNKNOWN),
        (types.SimpleNamespace(), Nature.UNKNOWN),
        ((one for one in ()), Nature.UNKNOWN),
        (collections.defaultdict(list), Nature.UNKNOWN),
    ],
)
def test_the_nature_of_an_event_is_the_worst_of_what_is_in_it(event, nature):
    assert Look().at(event) is nature


def test_a_container_that_stands_in_an_event_twice_or_in_itself_is_not_copied_by_parts():
    inner, ring = [1], []
    ring.append(ring)
    assert Look().at([inner, inner]) is Look().at(ring) is Nature.UNKNOWN
    assert Look().at([(1,)] * 2) is Nature.COMPARED


@given(JSON)
def test_each_call_gets_the_event_as_it_was_made(event):
    kept, before = renewable(event, Look().at(event)), repr(event)
    for _ in range(3):
        mine = taken(kept)
        assert repr(mine) == before
        if isinstance(mine, dict | list):
            ruin(mine)
        give_back(kept, mine)


def ruin(value):
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            ruin(one)
    value.clear()


def test_an_event_that_no_call_changes_is_used_again_and_one_that_is_out_is_not_given_twice():
    event = {"a": [1]}
    kept = renewable(event, Look().at(event))
    first, second = kept.take(), kept.take()
    assert first is event
    assert second == first
    assert second is not first
    assert second["a"] is not first["a"]
    kept.give_back(second)
    kept.give_back(first)
    assert kept.take() is first
    assert kept.changed == 0


def test_changes_are_counted():
    (pool,) = prepare_events(a_target(lambda _operation, _rng: {"a": 1}), {"read": 1.0}, 1, {"read": 2})
    for entry in pool:
        mine = taken(entry)
        mine.pop("a")
        give_back(entry, mine)
    assert events_changed([pool, pool]) == 2


@pytest.mark.parametrize(
    "make_event",
    [
        lambda _operation, _rng: io.BytesIO(b"body"),
        lambda _operation, _rng: iter([b"body"]),
        lambda _operation, _rng: (part for part in [b"body"]),
        lambda _operation, _rng: types.SimpleNamespace(read=io.BytesIO(b"body").read),
    ],
)
def test_what_a_call_uses_up_is_there_for_the_next_one(make_event):
    (pool,) = prepare_events(a_target(make_event), {"read": 1.0}, 1, {"read": 1})
    for _ in range(3):
        event = taken(pool[0])
        assert (event.read() if hasattr(event, "read") else next(event)) == b"body"
        give_back(pool[0], event)


def test_an_event_made_anew_is_the_same_each_time_and_on_both_sides():
    def make_event(_operation, rng):
        return types.SimpleNamespace(number=rng.random())

    numbers = []
    for _side in range(2):
        (pool,) = prepare_events(a_target(make_event), {"read": 1.0}, 7, {"read": 3})
        for entry in pool * 2:
            event = taken(entry)
            numbers.append(event.number)
            give_back(entry, event)
    assert numbers == numbers[:3] * 4
    assert len(set(numbers)) == 3


def test_a_target_that_can_make_no_more_events_is_named_and_the_next_call_gets_the_used_one():
    left = [3]

    def make_event(_operation, _rng):
        left[0] -= 1
        if left[0] < 0:
            raise LookupError("no more")
        return types.SimpleNamespace()

    (pool,) = prepare_events(a_target(make_event), {"read": 1.0}, 1, {"read": 1})
    event = taken(pool[0])
    give_back(pool[0], event)
    event = taken(pool[0])
    with pytest.raises(TargetError, match="operation 'read': LookupError: no more"):
        give_back(pool[0], event)
    assert taken(pool[0]) is event


def test_a_pool_is_bounded_by_its_bytes_and_still_has_an_entry_for_every_payload(monkeypatch):
    monkeypatch.setattr("harness.target.events.POOL_BYTES", 1_000_000)
    made = []

    def make_event(_operation, rng):
        made.append(1)
        return "x" * 100_000 + str(rng.random())

    (pool,) = prepare_events(a_target(make_event), {"read": 1.0}, 1, {"read": 100})
    assert len(pool) == 100
    assert len(set(map(id, pool))) == 8
    assert len(made) < 20


def test_one_large_text_in_every_event_counts_once(monkeypatch):
    monkeypatch.setattr("harness.target.events.POOL_BYTES", 1_000_000)
    text = "x" * 400_000
    (pool,) = prepare_events(
        a_target(lambda _operation, rng: (text, rng.random())), {"read": 1.0}, 1, {"read": 100}
    )
    assert len(set(map(id, pool))) == 100


def test_events_that_hold_on_to_something_are_few(tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"body")
    (pool,) = prepare_events(a_target(lambda _operation, _rng: path.open("rb")), {"read": 1.0}, 1, {})
    entries = {id(entry): entry for entry in pool}.values()
    assert len(entries) == 64
    for entry in entries:
        taken(entry).close()
    assert all(isinstance(entry, Renewable) for entry in entries)


def test_events_are_the_same_for_the_same_seed_whatever_they_are():
    def make_event(operation, rng):
        return {"operation": operation, "n": rng.random()}

    first, second = (
        [taken(entry) for entry in prepare_events(a_target(make_event), {"read": 1.0}, 7, {"read": 9})[0]]
        for _ in range(2)
    )
    assert first == second
    rng = random.Random("7:read")
    assert first == [make_event("read", rng) for _ in range(9)]


def test_an_event_is_given_to_another_thread_only_once_it_is_as_it_was_made():
    taken_meanwhile = []

    def fresh():
        # Another thread takes the event while it is being made anew.
        taken_meanwhile.append(entry._ready)
        return {"n": 1}

    entry = Renewable({"n": 1}, fresh, pristine={"n": 1})
    event = entry.take()
    event["n"] = 2
    entry.give_back(event)
    assert taken_meanwhile == [None]
    assert entry.take() == {"n": 1}
