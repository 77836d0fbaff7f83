"""What must hold of the real work whatever the data: order does not matter, and doing it again changes nothing."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.feed import make_feed
from targets.asset_core.model import Risk, Technology
from targets.asset_core.processing import BATCH_SIZE, WINDOW
from targets.asset_core.risk import risk_score
from targets.asset_core.workers.correlation import correlate
from targets.asset_core.workers.discovery import DiscoverBody, derive
from targets.asset_core.workers.scanning import find_matches
from targets.asset_core.workers.tools import by_product

RISKS = st.builds(
    lambda cvss, exploitability, status, number: Risk(
        f"r{number}", f"CVE-{number}", "", "none", cvss, exploitability, status, ""
    ),
    st.floats(0, 10),
    st.sampled_from(["known_exploited", "proof_of_concept", "none"]),
    st.sampled_from(["open", "open", "accepted", "fixed"]),
    st.integers(0, 10**6),
)
MANY_RISKS = st.lists(RISKS, max_size=12)


@given(MANY_RISKS)
def test_a_score_lies_between_0_and_100(risks):
    assert 0 <= risk_score(risks) <= 100


@given(MANY_RISKS, RISKS)
def test_one_more_risk_never_lowers_a_score(risks, more):
    assert risk_score([*risks, more]) >= risk_score(risks)


@given(MANY_RISKS, st.randoms())
def test_the_order_of_risks_changes_no_score(risks, rng):
    # Two decimals of a product of floats: at the edge of rounding the last one may turn.
    assert risk_score(rng.sample(risks, len(risks))) == pytest.approx(risk_score(risks), abs=0.011)


@given(MANY_RISKS, RISKS, st.integers(0, 3))
def test_one_more_risk_never_lowers_an_exposure(risks, more, hops):
    before = correlate("a", {}, {"a": risks}, hops, 0.5).exposure
    assert correlate("a", {}, {"a": [*risks, more]}, hops, 0.5).exposure >= before


SCOPE = ("example.com", "10.0.0.0/8", "2001:db8::/64")
SEEDS = st.lists(
    st.sampled_from(["example.com", "a.example.com", "www.a.example.com", "other.org"]), max_size=5
)
RANGES = st.lists(
    st.sampled_from(["10.0.0.0/28", "10.0.0.0/29", "10.0.0.4/30", "10.0.0.5/32", "2001:db8::/125", "192.0.2.0/24"]),
    max_size=5,
)  # fmt: skip


def found(seeds, ranges):
    assets, outside, truncated = derive(DiscoverBody(SCOPE, tuple(seeds), tuple(ranges)))
    return {each.id: each for each in assets}, set(outside), truncated


@given(SEEDS, RANGES, st.randoms())
def test_the_order_of_seeds_and_ranges_changes_nothing_of_what_is_discovered(seeds, ranges, rng):
    shuffled = rng.sample(seeds, len(seeds)), rng.sample(ranges, len(ranges))
    assert found(*shuffled) == found(seeds, ranges)
    assert found(seeds * 2, ranges * 2) == found(seeds, ranges)


def test_an_address_in_two_ranges_is_hosted_by_the_narrower_one():
    for ranges in (["10.0.0.0/28", "10.0.0.4/30"], ["10.0.0.4/30", "10.0.0.0/28"]):
        assets = found([], ranges)[0]
        assert assets["address:10.0.0.5"].parent == "address:10.0.0.4-30"
        assert assets["address:10.0.0.1"].parent == "address:10.0.0.0-28"


FEED = by_product(make_feed(1))
TECHNOLOGIES = st.lists(
    st.builds(
        Technology,
        st.sampled_from(["nginx", "NGINX", "OpenSSL", "größenwächter", "none such"]),
        st.sampled_from(["1.2.3", "5.0.0", "9.9", "12.1.4", "latest", ""]),
        st.just("v"),
        st.just("c"),
    ),
    max_size=8,
)


@given(TECHNOLOGIES, st.randoms())
def test_the_order_of_technologies_and_finding_one_twice_change_no_match(technologies, rng):
    expected = find_matches(technologies, FEED)
    assert find_matches(rng.sample(technologies, len(technologies)), FEED) == expected
    assert find_matches(technologies * 2, FEED) == expected
    # Each technology by itself, put together, is the definition.
    alone = {entry.cve for each in technologies for entry in find_matches([each], FEED)}
    assert [entry.cve for entry in expected] == sorted(alone)


def submit(hosted, kind, data):
    response = hosted.post("/jobs", {"kind": kind, "data": data, "wait": True}, role="analyst")
    assert response["statusCode"] == 200
    return json.loads(response["body"])["result"]


def test_a_correlation_that_is_done_again_in_another_order_finds_and_writes_the_same(host, scope):
    hosted = host()
    ids = [each.asset.id for each in hosted.inventory if each.asset.tenant == "tenant-01"][:12]

    def correlated(asset_ids):
        result = submit(hosted, "risk-correlation", {"ids": asset_ids, "hops": 3, "decay": 0.5})
        written = hosted.stores.graph.get_exposures("tenant-01", ids, scope)
        return {each["id"]: each for each in result["assets"]}, written

    first = correlated(ids)
    assert len(first[1]) == len(ids)
    assert correlated(ids) == first
    assert correlated(ids[::-1]) == first


def test_a_discovery_that_is_done_again_in_another_order_changes_nothing(host):
    hosted = host()
    ranges = ["10.0.0.0/28", "10.0.0.4/30"]
    first = submit(
        hosted, "asset-discovery", {"scope": list(SCOPE), "seeds": ["example.com"], "ranges": ranges}
    )
    ids = ["domain:example.com", "address:10.0.0.0-28", "address:10.0.0.4-30", "address:10.0.0.5"]
    before = [hosted.get(f"/assets/{each}", token=hosted.token())["body"] for each in ids]
    again = submit(
        hosted, "asset-discovery", {"scope": list(SCOPE), "seeds": ["example.com"], "ranges": ranges[::-1]}
    )
    assert (again["created"], again["known"], again["found"]) == (0, first["found"], first["found"])
    assert [hosted.get(f"/assets/{each}", token=hosted.token())["body"] for each in ids] == before


def processor_of(hosted):
    return hosted.resources.processor


def test_five_workers_serve_all_batches_of_all_calls(host, scope):
    hosted = host()
    lock, busy, most = threading.Lock(), [0], [0]
    original = hosted.stores.assets.get_assets
    full = threading.Event()

    def counting(*arguments):
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
            if busy[0] == 5:
                full.set()
        assert full.wait(30)
        found = original(*arguments)
        with lock:
            busy[0] -= 1
        return found

    hosted.stores.assets.get_assets = counting
    ids = [each.asset.id for each in hosted.inventory if each.asset.tenant == "tenant-01"][:100]
    answers = []
    callers = [
        threading.Thread(target=lambda: answers.append(list(processor_of(hosted).process("tenant-01", ids, scope))))
        for _ in range(3)
    ]  # fmt: skip
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert [[outcome.id for outcome in outcomes] for outcomes in answers] == [ids] * 3
    assert most[0] == 5
    assert len(processor_of(hosted).executor._pool._threads) == 5


def test_results_stay_in_order_when_the_first_batch_is_the_last_to_end_and_no_more_are_begun_than_the_window(
    host, scope
):
    hosted = host()
    ids = [each.asset.id for each in hosted.inventory if each.asset.tenant == "tenant-01"][: 20 * BATCH_SIZE]
    original, begun, release = hosted.stores.assets.get_assets, [], threading.Event()

    def slow_first(tenant, batch, scope):
        begun.append(batch)
        if batch[0] == ids[0]:
            assert release.wait(30)
        elif len(begun) == WINDOW:
            release.set()
        return original(tenant, batch, scope)

    hosted.stores.assets.get_assets = slow_first
    outcomes = processor_of(hosted).process("tenant-01", ids, scope)
    assert next(outcomes).id == ids[0]
    assert len(begun) == WINDOW
    assert [outcome.id for outcome in outcomes] == ids[1:]
