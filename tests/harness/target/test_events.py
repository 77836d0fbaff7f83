"""Events: made before the run, the same for the same seed, and no more than the plan uses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TargetError
from harness.plans.plan import MAX_PAYLOADS
from harness.target.events import needed_payloads, prepare_events
from harness.target.loading import LoadedTarget


def a_target(make_event=lambda operation, rng: (operation, rng.random())):
    return LoadedTarget(
        call=lambda event: event,
        operations={"read": 1.0},
        make_event=make_event,
        judge=None,
        open=lambda: None,
        close=lambda: None,
        counters=dict,
        instrument=lambda _wrap: None,
        record_sites=lambda *, on: None,
        sites=dict,
    )


def test_the_same_seed_makes_the_same_events():
    mix, needed = {"read": 1.0, "write": 1.0}, {"read": 5, "write": 3}
    first = prepare_events(a_target(), mix, 7, needed)
    assert first == prepare_events(a_target(), mix, 7, needed)
    assert first != prepare_events(a_target(), mix, 8, needed)
    assert [len(events) for events in first] == [5, 3]


def test_the_events_of_an_operation_do_not_depend_on_the_others():
    alone = prepare_events(a_target(), {"read": 1.0}, 7, {"read": 4})
    together = prepare_events(a_target(), {"write": 1.0, "read": 9.0}, 7, {"read": 4, "write": 2})
    assert alone[0] == together[1]


def test_two_operations_do_not_share_their_randomness():
    read, write = prepare_events(a_target(), {"read": 1.0, "write": 1.0}, 7, {"read": 3, "write": 3})
    assert [value for _, value in read] != [value for _, value in write]


@pytest.mark.parametrize(("needed", "made"), [(0, 1), (1, 1), (MAX_PAYLOADS + 5, MAX_PAYLOADS)])
def test_at_least_one_event_is_made_and_at_most_the_limit(needed, made):
    assert len(prepare_events(a_target(), {"read": 1.0}, 1, {"read": needed})[0]) == made


def test_without_a_plan_the_limit_is_made():
    assert len(prepare_events(a_target(), {"read": 1.0}, 1, {})[0]) == MAX_PAYLOADS


@pytest.mark.parametrize("fault", [KeyError("no asset"), SystemExit("no asset")])
def test_a_target_that_cannot_make_its_events_is_named_with_the_operation(fault):
    def make_event(_operation, _rng):
        raise fault

    with pytest.raises(TargetError, match=r"event of operation 'read': \w+: .?no asset"):
        prepare_events(a_target(make_event=make_event), {"read": 1.0}, 1, {"read": 1})


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50))))
def test_what_is_needed_is_the_highest_payload_of_each_operation(rows):
    operation = np.array([row[0] for row in rows], np.int64)
    payload = np.array([row[1] for row in rows], np.int64)
    highest = {}
    for index, turn in rows:
        name = "abc"[index]
        highest[name] = max(highest.get(name, 0), turn + 1)
    assert needed_payloads({"a": 1.0, "b": 1.0, "c": 1.0}, operation, payload) == highest
