"""Planted changes in a copy of the core: each is found exactly, in all repetitions, by function; nothing else changes."""

import pytest

from harness.exact.counting import count_once
from harness.exact.repetition import SideCounts, as_counts
from harness.exact.sides import measure_side
from harness.exact.tracing import trace_once
from tests.support.exact import ASSET, PLAN, ROOT, a_side

LOAD = "        entry = resources.cache.load("
ONE_MORE = (
    "        resources.stores.assets.get_asset(request.principal.tenant, request.target_id, request.scope)\n"
)
GET_ASSET = "make_endpoints.<locals>.get_asset (targets/asset_core/endpoints.py)"

CHECKED = "        if asset is None:\n"
EACH_NEIGHBOUR = (
    "        for link in relationships:\n"
    '            self._queries["neo4j.risks"](tenant, link.target, scope)\n'
)
FETCH = "Fetcher.__call__ (targets/asset_core/fetch.py)"

STRIPPED = "    return authorization[7:].strip()"
BUFFERS = "    list(map(bytearray, [8] * 40))\n"
BEARER = "bearer_token (targets/asset_core/security/bearer.py)"


@pytest.fixture(scope="module")
def measured(supervisor, tmp_path_factory):
    """Measure a side, whole; the unchanged one once for all tests that want it."""
    sides = {}

    def measure(once, *edit):
        key = (once, *edit)
        if key not in sides:
            folder = tmp_path_factory.mktemp("side")
            sides[key] = measure_side(once, supervisor, a_side(folder, *edit), PLAN, folder / "out")
            assert sides[key].trouble == ""
        return sides[key]

    return measure


def changed(measured, once, *edit):
    """Return base and candidate of each metric whose repetitions are not all the same, by metric."""
    base, candidate = measured(once), measured(once, *edit)
    return {
        count.metric: count for count in as_counts(base, candidate) if {*count.base} != {*count.candidate}
    }


def test_one_more_call_for_each_request_is_one_more_call_from_that_function(measured):
    found = changed(measured, count_once, "asset_core/endpoints.py", LOAD, ONE_MORE + LOAD)
    assert found.keys() == {"calls.dynamodb", "round_trips.dynamodb", "items.dynamodb"}
    calls = found["calls.dynamodb"]
    assert calls.candidate == [calls.base[0] + 1.0] * 2
    assert calls.base == calls.base[:1] * 2
    assert GET_ASSET not in calls.base_sites
    assert calls.candidate_sites == {**calls.base_sites, GET_ASSET: 1.0}


def test_a_query_for_each_neighbour_is_named_by_the_function_that_loops(measured):
    found = changed(measured, count_once, "asset_core/fetch.py", CHECKED, EACH_NEIGHBOUR + CHECKED)
    assert found.keys() == {"calls.neo4j", "round_trips.neo4j", "rows.neo4j"}
    calls = found["calls.neo4j"]
    assert {*calls.candidate} == {calls.base[0] + calls.candidate_sites[FETCH]}
    assert calls.candidate_sites.keys() - calls.base_sites.keys() == {FETCH}


# Threads of the core may allocate a few times more on a machine that is crowded.
@pytest.mark.measures
def test_a_tenth_more_allocations_are_found_and_named(measured):
    found = changed(measured, trace_once, "asset_core/security/bearer.py", STRIPPED, BUFFERS + STRIPPED)
    count = found["allocations"]
    # Each repetition agrees with the others to the last allocation.
    assert (len({*count.base}), len({*count.candidate})) == (1, 1)
    grown = {
        name: count.candidate_sites.get(name, 0.0) - count.base_sites.get(name, 0.0)
        for name in {*count.base_sites, *count.candidate_sites}
    }
    # Free lists that it leaves fuller spare or cost others a few.
    others = sum(abs(growth) for name, growth in grown.items() if name != BEARER)
    assert others < 0.1 * grown[BEARER]
    assert 0.05 < count.candidate[0] / count.base[0] - 1 < 0.2
    assert sum(grown.values()) == pytest.approx(count.candidate[0] - count.base[0])


AGAIN = ("asset_core/fetch.py", CHECKED, "        # Nothing.\n" + CHECKED)


def test_the_same_code_in_another_tree_counts_the_same(measured):
    assert changed(measured, count_once, *AGAIN) == {}


@pytest.mark.measures
def test_the_same_code_in_another_tree_allocates_the_same(measured):
    assert changed(measured, trace_once, *AGAIN).keys() <= {"peak_bytes"}


def test_a_side_is_measured_from_its_own_tree(measured):
    found = measured(count_once)
    assert isinstance(found, SideCounts)
    files = {repetition.file for repetition in found.repetitions}
    assert len(files) == 1
    assert not files.pop().startswith(str(ROOT))
    assert all(repetition.values.keys() == {ASSET} for repetition in found.repetitions)
