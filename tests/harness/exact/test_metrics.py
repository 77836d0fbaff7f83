"""Which counters are exact metrics, and the receipt's records of what two sides counted."""

import pytest

from harness.exact.counting import as_repetition
from harness.exact.metrics import metric_of, unit_of
from harness.exact.repetition import ALL, Repetition, SideCounts, Value, as_counts
from harness.exact.tracing import own_weights
from harness.processes.counted import CountFacts
from harness.profiles.stacks.folded import Profile
from harness.session.receipt import State
from harness.target.failures import Failure


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("calls.db", "calls"),
        ("round_trips.db", "round trips"),
        ("bytes_in.db", "bytes"),
        ("peak_bytes", "bytes"),
    ],
)
def test_a_metric_says_what_it_counts(metric, unit):
    assert unit_of(metric) == unit


@pytest.mark.parametrize(
    ("counter", "metric"),
    [
        ("dynamodb.calls", "calls.dynamodb"),
        ("dynamodb.round_trips", "round_trips.dynamodb"),
        ("redis.bytes_out", "bytes_out.redis"),
        ("shop.postgres.queries", "queries.shop.postgres"),
        # More hits are no regression, pings are paced by the clock, and a cost without a place has no owner.
        ("cache.l1.hit", None),
        ("redis.pings", None),
        ("requests", None),
        ("calls", None),
        (".calls", None),
        ("background.calls", None),
        ("", None),
    ],
)
def test_a_counter_that_ends_in_a_cost_is_a_metric_of_its_place(counter, metric):
    assert metric_of(counter) == metric


def facts(**changes):
    found = {
        "operations": ["read"],
        "requests": 4,
        "failures": [],
        "counters": {"read": {"db.calls": 8, "cache.hit": 3}, "background": {"db.calls": 99}},
        "sites": {"read": {"db.calls": {"load (a.py)": 6, "check (b.py)": 2}}},
    }
    return CountFacts(**{**found, **changes})


def test_totals_become_values_for_each_request_with_their_sites():
    repetition = as_repetition(facts(), "a.py")
    assert repetition.file == "a.py"
    assert repetition.values == {
        "read": {
            "failures": Value(0.0),
            "calls.db": Value(2.0, {"load (a.py)": 1.5, "check (b.py)": 0.5}),
        }
    }


def test_failed_requests_are_a_metric_of_their_own_with_their_reasons_without_lines():
    failures = [
        Failure(operation="read", outcome="failed", what="KeyError", where=f"load (a.py:{line})", count=1)
        for line in (3, 9)
    ]
    failures.append(Failure(operation="write", outcome="failed", what="KeyError", count=1))
    value = as_repetition(facts(failures=failures)).values["read"]["failures"]
    assert value == Value(0.5, {"KeyError in load (a.py)": 0.5})


def test_what_no_request_asked_for_is_left_out():
    values = as_repetition(facts(operations=["read", "background"])).values
    assert values.keys() == {"read"}


def side(*values, operation="read", metric="calls.db", **sites):
    return SideCounts(tuple(Repetition(10, {operation: {metric: Value(value, sites)}}) for value in values))


def test_both_sides_stand_side_by_side_in_all_repetitions():
    (count,) = as_counts(side(2.0, 2.0, load=2.0), side(3.0, 3.5, load=2.0, more=1.0))
    assert (count.benchmark, count.metric, count.requests) == ("read", "calls.db", 10)
    assert (count.base, count.candidate) == ([2.0, 2.0], [3.0, 3.5])
    assert (count.base_sites, count.candidate_sites) == ({"load": 2.0}, {"load": 2.0, "more": 1.0})
    assert count.note == ""


def test_a_metric_that_one_side_never_counted_is_zero_there():
    counts = {count.metric: count for count in as_counts(side(1.0), side(5.0, metric="calls.queue"))}
    assert counts["calls.queue"].base == [0.0]
    assert counts["calls.db"].candidate == [0.0]


def test_an_operation_that_one_side_does_not_offer_has_no_values_there_and_says_so():
    (count,) = as_counts(side(1.0), SideCounts((Repetition(10, {}),)))
    assert (count.base, count.candidate) == ([1.0], [])
    assert count.note == "candidate: it lacks this operation"
    assert count.state is State.REMOVED


def test_an_operation_that_came_with_the_candidate_is_new():
    (count,) = as_counts(SideCounts((Repetition(10, {}),)), side(1.0))
    assert count.state is State.NEW


def test_an_operation_lost_to_trouble_is_neither_new_nor_removed():
    trouble = Repetition(10, {}, note="candidate: the slot died")
    (count,) = as_counts(side(1.0), SideCounts((trouble,)))
    assert count.state is State.BOTH
    assert "the slot died" in count.note


def test_a_side_that_could_not_be_counted_has_no_values_and_says_why():
    (count,) = as_counts(SideCounts(trouble="No module named 'core'"), side(1.0))
    assert (count.base, count.candidate) == ([], [1.0])
    assert count.note == "base: No module named 'core'"


def test_where_neither_side_could_be_counted_there_is_still_a_record():
    (count,) = as_counts(SideCounts(trouble="broken"), SideCounts())
    assert (count.benchmark, count.base, count.candidate) == (ALL, [], [])
    assert count.note == "base: broken; candidate: it was not counted"


def test_a_target_that_cannot_be_read_says_so_beside_its_numbers():
    repetition = as_repetition(facts(trouble="The target's counters cannot be read"))
    counts = as_counts(SideCounts((repetition,)), SideCounts((repetition,)))
    assert {count.note for count in counts} == {"The target's counters cannot be read"}


def test_the_harness_is_never_where_something_was_allocated():
    marker = "operation:calls"
    profile = Profile(
        "allocations",
        {
            (marker, "run (harness/session/slots/slot_program.py)"): 2.0,
            (marker, "run (harness/session/slots/slot_program.py)", "work (shop/__init__.py)"): 3.0,
            (marker, "work (shop/__init__.py)", "call (harness/target/invoke.py)"): 4.0,
            (marker,): 5.0,
            ("operation:nothing", "run (harness/session/slots/slot_program.py)"): 6.0,
        },
    )
    assert own_weights(profile, "calls") == {"(no function)": 7.0, "work (shop/__init__.py)": 7.0}
