"""Who called the store: the function of the core that asked, on the seam of the stores, and only when it is wanted."""

import random

import pytest

from harness.model import RecordsSites
from targets.asset_core.counting import Counters, Tally
from targets.asset_core.sites import OUTSIDE, calling_function
from targets.core_target import create

ASSET = "GET /assets/{id}"
QUERY = "Fetcher._query (targets/asset_core/fetch.py)"


@pytest.fixture
def target():
    made = create(latency_ms="0", variant="baseline")
    made.open()
    yield made
    made.close()


def ask(target, times):
    rng = random.Random(1)
    for _ in range(times):
        target.call(target.make_event(ASSET, rng))


def test_each_store_call_has_the_function_behind_it(target):
    assert isinstance(target, RecordsSites)
    target.record_sites(on=True)
    ask(target, 10)
    sites = target.sites()[ASSET]
    assert sites["dynamodb.calls"] == {QUERY: 20}
    assert sites["neo4j.round_trips"] == {QUERY: 20}


def test_sites_add_up_to_the_counters(target):
    target.record_sites(on=True)
    ask(target, 10)
    counters = {name: total for name, total in target.counters()[ASSET].items() if total}
    assert {name: sum(found.values()) for name, found in target.sites()[ASSET].items()} == counters


def test_recording_begins_from_nothing_and_counters_go_on(target):
    ask(target, 5)
    target.record_sites(on=True)
    ask(target, 5)
    assert sum(target.sites()[ASSET]["dynamodb.calls"].values()) == 10
    assert target.counters()[ASSET]["dynamodb.calls"] == 20


def test_switched_off_nothing_is_recorded_and_a_request_meets_plain_tallies(target):
    ask(target, 1)
    assert target.sites() == {}
    target.record_sites(on=True)
    target.record_sites(on=False)
    ask(target, 1)
    assert target.sites() == {}
    assert target.counters()[ASSET]["requests"] == 2


def test_a_tally_taken_before_the_switch_counts_into_the_same_totals():
    counters = Counters(["read"])
    before = counters.of("read")
    counters.record_sites(on=True)
    before.add("dynamodb.calls")
    counters.of("read").add("dynamodb.calls", 2)
    assert counters.totals() == {"read": {"dynamodb.calls": 3}}
    assert type(before) is Tally
    assert counters.sites() == {"read": {"dynamodb.calls": {OUTSIDE: 2}}}


def test_an_operation_that_is_new_after_the_switch_records_as_well():
    counters = Counters([])
    counters.record_sites(on=True)
    counters.of("later").add_each(("neo4j.calls", "neo4j.round_trips"))
    assert counters.sites() == {"later": {"neo4j.calls": {OUTSIDE: 1}, "neo4j.round_trips": {OUTSIDE: 1}}}


def test_what_added_nothing_is_no_site():
    counters = Counters(["read"])
    counters.record_sites(on=True)
    counters.of("read").add("dynamodb.items", 0)
    assert counters.sites() == {"read": {}}


def test_what_no_function_of_the_core_asked_for_is_outside():
    assert calling_function() == OUTSIDE
