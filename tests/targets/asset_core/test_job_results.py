"""What jobs leave behind: risks that a scan adds, exposures that a correlation finds, assets that discovery finds."""

import json

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import StoreError
from targets.asset_core.switches import BASELINE, OPTIMISED
from tests.support.core import failing
from tests.support.hosted import asset, hold, link, read, submit

SUBMIT = "POST /jobs"


def test_a_scan_adds_the_risks_of_the_feed_and_keeps_what_people_decided(host):
    from targets.asset_core.assembly import feed_of

    hosted = host()
    entry = feed_of(1)["nginx"][0]
    technology = {"name": "nginx", "version": entry.first_affected}
    hold(hosted, asset("host:x", technologies=[technology, {"name": "nginx2", "version": "?"}]))
    expected = sum(
        tuple(map(int, each.first_affected.split(".")))
        <= tuple(map(int, entry.first_affected.split(".")))
        < tuple(map(int, each.first_fixed.split(".")))
        for each in feed_of(1)["nginx"]
    )
    assert read(hosted, "host:x")["risks"] == []
    result = submit(hosted, "vulnerability-scan", {"ids": ["host:x", "host:none"]})[1]["result"]
    assert (
        result["scanned"],
        result["missing"],
        result["matched"],
        result["added"],
        result["unversioned"],
    ) == (
        1,
        ["host:none"],
        expected,
        expected,
        1,
    )
    risks = read(hosted, "host:x")["risks"]
    assert len(risks) == expected > 0
    hold(hosted, asset("host:x", technologies=[technology], risks=[risks[0] | {"status": "accepted"}]))
    again = submit(hosted, "vulnerability-scan", {"ids": ["host:x"]})[1]["result"]
    assert (again["added"], again["updated"], again["matched"]) == (0, 0, expected)
    assert [each["status"] for each in read(hosted, "host:x")["risks"]].count("accepted") == 1


def test_a_correlation_follows_relationships_and_writes_the_exposure_back_for_good(host, scope):
    hosted = host()
    risk = {"id": "r", "cve": "CVE-1", "cvss": 10.0, "exploitability": "known_exploited"}
    hold(
        hosted,
        asset("host:a", relationships=[link("host:b")]),
        asset("host:b", relationships=[link("host:c")]),
        asset("host:c", risks=[risk]),
    )
    result = submit(hosted, "risk-correlation", {"ids": ["host:a", "host:b"], "hops": 2, "decay": 0.5})[1][
        "result"
    ]
    assert [(each["id"], each["exposure"]) for each in result["assets"]] == [
        ("host:a", 25.0),
        ("host:b", 50.0),
    ]
    assert result["assets"][0]["paths"] == [
        {"assets": ["host:a", "host:b", "host:c"], "cve": "CVE-1", "weight": 0.25}
    ]
    hold(hosted, asset("host:a"))
    exposures = hosted.stores.graph.get_exposures("tenant-01", ["host:a", "host:b", "host:c"], scope)
    assert exposures == {"host:a": 25.0, "host:b": 50.0}


def exposed(hosted, asset_id):
    """Return the exposure and the entity tag that a caller sees."""
    response = hosted.get(f"/assets/{asset_id}", token=hosted.token())
    return json.loads(response["body"])["exposure"], response["headers"]["ETag"]


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE])
def test_a_correlation_is_seen_in_the_asset_at_once_and_outlives_ingest(host, switches):
    hosted = host(switches=switches)
    risk = {"id": "r", "cve": "CVE-1", "cvss": 8.0, "exploitability": "proof_of_concept"}
    sent = [asset("host:a", relationships=[link("host:b")]), asset("host:b", risks=[risk])]
    hold(hosted, *sent)
    before = {each: exposed(hosted, each) for each in ("host:a", "host:b")}
    assert [exposure for exposure, _ in before.values()] == [None, None]
    submit(hosted, "risk-correlation", {"ids": ["host:a", "host:b"], "hops": 1, "decay": 0.25})
    # 8.0 / 10 * 0.6 = 0.48 at home, and a quarter of it a hop away, where there is no risk of its own.
    after = {each: exposed(hosted, each) for each in ("host:a", "host:b")}
    assert [exposure for exposure, _ in after.values()] == [12.0, 48.0]
    assert all(after[each][1] != before[each][1] for each in after)
    hold(hosted, *sent)
    assert {each: exposed(hosted, each) for each in after} == after


def test_an_exposure_that_may_have_been_written_is_not_hidden_by_the_cache(host):
    hosted = host()
    hold(hosted, asset("host:a"))
    assert exposed(hosted, "host:a")[0] is None
    original = hosted.stores.graph.set_exposures

    def written_but_lost(*arguments):
        original(*arguments)
        raise StoreError("the connection broke before the answer", where="neo4j")

    hosted.stores.graph.set_exposures = written_but_lost
    assert submit(hosted, "risk-correlation", {"ids": ["host:a"]})[0] == 503
    assert exposed(hosted, "host:a")[0] == 0.0


def test_exposures_are_their_tenants_own(host):
    hosted = host()
    hold(hosted, asset("host:a"))
    hosted.post("/assets", {"assets": [asset("host:a")]}, tenant="tenant-02")
    submit(hosted, "risk-correlation", {"ids": ["host:a"]})
    assert exposed(hosted, "host:a")[0] == 0.0
    other = hosted.get("/assets/host:a", token=hosted.token("tenant-02"))
    assert json.loads(other["body"])["exposure"] is None


def test_a_correlation_takes_one_query_for_each_hop_and_one_for_the_risks(host):
    hosted = host()
    submit(hosted, "risk-correlation", {"ids": [SHARED_ID], "hops": 2})
    counted = hosted.counted(SUBMIT)
    assert (counted["dynamodb.calls"], counted["neo4j.calls"]) == (1, 4)


def test_discovery_adds_what_is_new_and_leaves_what_is_known_as_it_is(host):
    hosted = host()
    technology = {"name": "nginx", "version": "1", "vendor": "", "category": ""}
    hold(hosted, asset("domain:example.com", name="ours", technologies=[technology], owner="me"))
    before = read(hosted, "domain:example.com")
    result = submit(hosted, "asset-discovery", {"scope": ["example.com"], "seeds": ["example.com"]})[1][
        "result"
    ]
    assert result == {
        "found": 6,
        "created": 5,
        "known": 1,
        "relationships": 5,
        "out_of_scope": [],
        "truncated": False,
    }
    after = read(hosted, "domain:example.com")
    assert (after["asset"], after["technologies"]) == (before["asset"], before["technologies"])
    assert [each["target"] for each in after["relationships"]] == [
        f"host:{label}.example.com" for label in ("api", "dev", "mail", "vpn", "www")
    ]
    assert read(hosted, "host:www.example.com")["asset"]["type"] == "host"
    again = submit(hosted, "asset-discovery", {"scope": ["example.com"], "seeds": ["example.com"]})[1][
        "result"
    ]
    assert (again["created"], again["known"]) == (0, 6)
    assert read(hosted, "domain:example.com") == after


def test_discovery_that_cannot_write_fails_and_can_be_done_again(host):
    hosted = host()
    original = hosted.stores.assets.write_many
    hosted.stores.assets.write_many = failing(StoreError("down", where="dynamodb"))
    status, document = submit(hosted, "asset-discovery")
    assert (status, document["error"]["store"]) == (503, "dynamodb")
    hosted.stores.assets.write_many = original
    assert submit(hosted, "asset-discovery")[1]["result"]["created"] == 6
