"""An asset as a caller reads it: the body, the caches behind it, its forms and entity tags."""

import base64
import dataclasses
import gzip
import json

import pytest

from targets.asset_core.data.generator import HUB_DEGREE, SHARED_ID
from targets.asset_core.model import Relationship
from targets.asset_core.risk import risk_score
from targets.asset_core.switches import BASELINE, OPTIMISED, Switches

ASSET = f"/assets/{SHARED_ID}"


def test_the_answer_is_the_whole_asset(host):
    hosted = host()
    response = hosted.get(ASSET)
    bundle = next(b for b in hosted.inventory if b.asset.id == SHARED_ID and b.asset.tenant == "tenant-01")
    document = json.loads(response["body"])
    assert response["statusCode"] == 200
    assert document["asset"]["name"] == bundle.asset.name
    assert [risk["id"] for risk in document["risks"]] == [
        risk.id for risk in sorted(bundle.risks, key=lambda risk: (-risk.cvss, risk.id))
    ]
    assert [technology["name"] for technology in document["technologies"]] == sorted(
        technology.name for technology in bundle.technologies
    )
    assert len(document["relationships"]) == len(bundle.relationships)
    assert document["risk_score"] == risk_score(bundle.risks)
    assert response["headers"]["X-Fetched-At"].endswith("Z")
    assert response["headers"]["Content-Type"] == "application/json"


def test_a_caller_sees_only_its_own_tenant(host):
    hosted = host()
    own = next(
        b.asset.id for b in hosted.inventory if b.asset.tenant == "tenant-02" and b.asset.id != SHARED_ID
    )
    assert hosted.get(f"/assets/{own}", token=hosted.token("tenant-02"))["statusCode"] == 200
    assert hosted.get(f"/assets/{own}", token=hosted.token("tenant-01"))["statusCode"] == 404
    bodies = {
        json.loads(hosted.get(ASSET, hosted.token(f"tenant-0{n}"))["body"])["asset"]["tenant"]
        for n in (1, 2, 3)
    }
    assert bodies == {"tenant-01", "tenant-02", "tenant-03"}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Switches)] + ["all"])
def test_no_switch_changes_a_body(host, name):
    switches = BASELINE if name == "all" else dataclasses.replace(OPTIMISED, **{name: False})
    with_all, without = host(), host(switches=switches)
    paths = [f"/assets/{with_all.inventory.identity(number)[1]}" for number in range(0, 120, 9)]
    paths += [ASSET, "/assets/host:gone", "/assets/bad!id", "/nowhere", "/assets/"]
    for path in [*paths, *paths]:
        expected, found = with_all.get(path), without.get(path)
        assert found["statusCode"] == expected["statusCode"], path
        assert found["body"] == expected["body"], path
        assert found["headers"].get("ETag") == expected["headers"].get("ETag"), path


def test_relationships_are_capped_and_say_so(host):
    # On a small inventory the largest tenant has fewer neighbours than the cap: add some.
    hosted = host()
    key, bundle = next((key, b) for key, b in hosted.world.bundles.items() if key == ("tenant-01", SHARED_ID))
    many = [neighbour(number) for number in range(HUB_DEGREE)]
    hosted.world.bundles[key] = type(bundle)(bundle.asset, bundle.technologies, bundle.risks, many)
    document = json.loads(hosted.get(ASSET)["body"])
    assert len(document["relationships"]) == 1_000
    assert document["relationships_truncated"] is True


def neighbour(number):
    return Relationship("DEPENDS_ON", f"host:{number:05d}", "host")


def test_the_second_request_comes_from_l1_without_any_store(host):
    hosted = host()
    first = hosted.get(ASSET)
    before = dict(hosted.counted())
    second = hosted.get(ASSET)
    after = hosted.counted()
    assert second["body"] == first["body"]
    assert second["headers"]["X-Fetched-At"] == first["headers"]["X-Fetched-At"]
    assert after["cache.l1.hit"] == 1
    for counter in ("dynamodb.calls", "neo4j.calls", "redis.calls"):
        assert after[counter] == before[counter]


def test_a_miss_asks_each_store_as_often_as_planned(host):
    hosted = host()
    hosted.get(ASSET)
    counted = hosted.counted()
    assert (counted["dynamodb.calls"], counted["neo4j.calls"], counted["redis.calls"]) == (2, 2, 2)
    assert (counted["cache.l1.miss"], counted["cache.l2.miss"], counted["cache.l3.fetch"]) == (1, 1, 1)
    assert (counted["requests"], counted["status.2xx"]) == (1, 1)


def test_a_changed_header_of_one_response_is_not_in_the_next(host):
    hosted = host()
    hosted.get(ASSET)["headers"]["ETag"] = "mine"
    assert hosted.get(ASSET)["headers"]["ETag"] != "mine"


def test_a_missing_asset_is_remembered_for_five_seconds(host, clock):
    hosted = host(clocks=clock.clocks)
    token = signed(hosted, clock)
    assert hosted.get("/assets/host:gone", token)["statusCode"] == 404
    assert hosted.get("/assets/host:gone", token)["statusCode"] == 404
    assert hosted.counted()["cache.l3.fetch"] == 1
    clock.advance(5.1)
    hosted.world.values.clear()
    assert hosted.get("/assets/host:gone", token)["statusCode"] == 404
    assert hosted.counted()["cache.l3.fetch"] == 2


def signed(hosted, clock):
    claims = hosted.issuer.claims("tenant-01", "ada", role="viewer", use="id")
    return hosted.issuer.sign(claims | {"exp": clock.now_s + 3600, "nbf": clock.now_s - 10})


def test_gzip_is_sent_to_those_who_accept_it_and_is_the_same_body(host):
    hosted = host()
    path = next(
        f"/assets/{b.asset.id}"
        for b in hosted.inventory
        if b.asset.tenant == "tenant-01" and len(b.risks) > 8
    )
    plain = hosted.get(path)
    packed = hosted.get(path, **{"accept-encoding": "br;q=1.0, GZIP;q=0.5"})
    refused = hosted.get(path, **{"Accept-Encoding": "gzip;q=0, identity"})
    assert packed["isBase64Encoded"] is True
    assert packed["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]
    assert refused["body"] == plain["body"]
    assert "Content-Encoding" not in refused["headers"]


def test_the_gzip_form_is_made_on_first_demand_and_kept_beside_the_body(host):
    hosted, path = host(), "/assets/domain:shared.example"

    def slot():
        ((_, entry, _),) = hosted.resources.local._slots.values()
        return entry

    plain = hosted.get(path)
    assert slot().gzip_text is None
    first = hosted.get(path, **{"Accept-Encoding": "gzip"})
    assert first["body"] is slot().gzip_text
    assert hosted.get(path, **{"Accept-Encoding": "gzip"})["body"] is first["body"]
    assert hosted.get(path)["body"] == plain["body"]


@pytest.mark.parametrize("tag", ["{etag}", "*", '"other", {etag}', "{strong}"])
def test_a_known_entity_tag_is_answered_with_304_and_no_body(host, tag):
    hosted = host()
    etag = hosted.get(ASSET)["headers"]["ETag"]
    response = hosted.get(ASSET, **{"If-None-Match": tag.format(etag=etag, strong=etag.removeprefix("W/"))})
    assert (response["statusCode"], response["body"]) == (304, "")
    assert response["headers"]["ETag"] == etag


def test_an_unknown_entity_tag_gets_the_body(host):
    assert host().get(ASSET, **{"If-None-Match": '"other"'})["statusCode"] == 200


def test_a_small_body_is_not_compressed(host):
    hosted = host()
    job = {"kind": "risk-correlation", "data": {"ids": ["none"]}, "wait": True}
    response = hosted.post("/jobs", job, **{"Accept-Encoding": "gzip"})
    assert response["statusCode"] == 200
    assert len(response["body"]) <= 1024
    assert not response["isBase64Encoded"]
