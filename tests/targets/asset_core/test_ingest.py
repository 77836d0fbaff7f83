"""What is ingested: how it reads back, who may send it, and in how few writes it is stored."""

import base64
import json
import random

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.switches import BASELINE, OPTIMISED, parse_switches
from tests.support.hosted import (
    asset,
    ingest,
    link,
    read,
    risk,
    technologies,
)

OPERATION = "POST /assets"


SINGLY = parse_switches("optimised", "batch_writes:off")


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE, SINGLY])
def test_an_asset_reads_back_as_it_was_sent(host, switches):
    hosted = host(switches=switches)
    sent = asset(
        name="Zürich – 東京",
        description="d",
        owner="o",
        criticality=4,
        tags=["a", "b"],
        first_seen="2025-01-01T00:00:00Z",
        last_seen="2025-02-01T00:00:00Z",
        technologies=[{"name": "nginx", "version": "1.2", "vendor": "F5", "category": "web"}],
        risks=[risk(1, title="t", severity="low", exploitability="none", status="open", found_at="f")],
        relationships=[link("service:x")],
    )
    response = ingest(hosted, sent)
    assert (response["statusCode"], json.loads(response["body"])) == (
        200,
        {"written": 1, "failed": 0, "failures": []},
    )
    found = read(hosted)
    for part in ("technologies", "risks", "relationships"):
        assert found[part] == sent.pop(part)
    assert found["asset"] == sent | {"tenant": "tenant-01"}
    assert found["risk_score"] == 15.0


def test_what_is_left_out_has_a_default_and_a_severity_is_that_of_the_score(host):
    hosted = host()
    ingest(hosted, asset(risks=[risk(1, cvss=9.1)]))
    found = read(hosted)
    assert found["asset"]["criticality"] == 1
    assert found["risks"][0]["severity"] == "critical"
    assert (found["technologies"], found["relationships"]) == ([], [])


def test_sending_the_same_again_changes_nothing(host):
    hosted = host()
    sent = asset(technologies=technologies("a", "b"), risks=[risk(1)], relationships=[link("service:x")])
    ingest(hosted, sent)
    first = read(hosted)
    ingest(hosted, sent)
    assert read(hosted) == first


def test_technologies_are_replaced_while_risks_and_relationships_are_added(host):
    hosted = host()
    ingest(
        hosted, asset(technologies=technologies("a", "b"), risks=[risk(1)], relationships=[link("service:x")])
    )
    ingest(
        hosted,
        asset(
            technologies=technologies("b", "c", version="2"),
            risks=[risk(2)],
            relationships=[link("service:y")],
        ),
    )
    found = read(hosted)
    assert [(each["name"], each["version"]) for each in found["technologies"]] == [("b", "2"), ("c", "2")]
    assert [each["cve"] for each in found["risks"]] == ["CVE-2025-1", "CVE-2025-2"]
    assert [each["target"] for each in found["relationships"]] == ["service:x", "service:y"]


def test_of_assets_with_the_same_id_the_last_counts(host):
    hosted = host()
    response = ingest(hosted, asset(name="first"), asset(name="last"))
    assert json.loads(response["body"])["written"] == 1
    assert read(hosted)["asset"]["name"] == "last"


def test_a_write_is_inside_the_callers_tenant(host):
    hosted = host()
    other = read(hosted, SHARED_ID, "tenant-02")
    ingest(hosted, asset(), asset(SHARED_ID, name="renamed"))
    assert read(hosted, tenant="tenant-02") == 404
    assert read(hosted, SHARED_ID, "tenant-02") == other
    response = ingest(hosted, asset() | {"tenant": "tenant-02"})
    assert json.loads(response["body"])["error"]["fields"] == [
        {"field": "assets[0].tenant", "reason": "is not known"}
    ]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("analyst", 403), ("admin", 200)])
def test_only_those_who_may_write_can(host, role, status):
    hosted = host()
    assert ingest(hosted, asset(), role=role)["statusCode"] == status
    assert (read(hosted) == 404) is (status == 403)


def items_of(batch):
    return sum(1 + len(each.get("technologies", ())) for each in batch)


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_takes_as_few_writes_as_its_items_fill_and_a_constant_number_of_queries(host, seed):
    rng = random.Random(seed)
    hosted = host()
    batch = [
        asset(
            f"host:{number}",
            technologies=technologies(*(f"t{each}" for each in range(rng.randint(0, 5)))),
            risks=[risk(f"{number}-{each}") for each in range(rng.randint(0, 3))],
            relationships=[link(f"service:{number}"), link(f"host:{number + 1}", "DEPENDS_ON")],
        )
        for number in range(rng.randint(150, 400))
    ]
    writes = counted_writes(hosted)
    assert ingest(hosted, *batch)["statusCode"] == 200
    assert len(writes) == -(-items_of(batch) // 25)
    # Assets, risks, far ends, and two kinds of relationship.
    assert hosted.counted(OPERATION)["neo4j.calls"] == 5


def counted_writes(hosted):
    writes, original = [], hosted.stores.assets.write_many

    def counting(batch, scope):
        writes.append([write.key for write in batch])
        return original(batch, scope)

    hosted.stores.assets.write_many = counting
    return writes


def test_meta_is_written_only_after_the_whole_rest_of_its_asset(host):
    hosted = host()
    writes = counted_writes(hosted)
    ingest(
        hosted, asset(technologies=technologies(*(f"t{number:02d}" for number in range(30)))), asset("host:2")
    )
    assert [len(batch) for batch in writes] == [25, 6, 1]
    assert [[key for key in batch if key[1] == "META"] for batch in writes] == [
        [],
        [("T#tenant-01#A#host:2", "META")],
        [("T#tenant-01#A#host:new", "META")],
    ]


def test_without_batches_each_item_is_a_call_in_the_same_order(host):
    hosted = host(switches=SINGLY)
    ingest(hosted, asset(technologies=technologies("a", "b")))
    # One read of what was there before, two technologies, and `META`.
    assert hosted.counted(OPERATION)["dynamodb.calls"] == 4
    ingest(hosted, asset(technologies=technologies("a")))
    assert hosted.counted(OPERATION)["dynamodb.calls"] == 8


def test_the_far_end_of_a_relationship_has_the_type_that_it_was_ingested_with(host):
    hosted = host()
    ingest(hosted, asset(relationships=[link("service:x")]))
    assert read(hosted)["relationships"][0]["target_type"] == "service"
    ingest(hosted, asset("service:x", type="cloud"), asset(relationships=[link("service:x")]))
    assert read(hosted)["relationships"][0]["target_type"] == "cloud"


def test_a_body_over_6_mib_is_413_and_up_to_it_is_read(host):
    hosted = host()
    limit = 6 * 1024 * 1024
    assert hosted.post("/assets", " " * (limit + 1))["statusCode"] == 413
    assert hosted.post("/assets", " " * limit)["statusCode"] == 400
    # Two bytes a character: the limit is one of bytes.
    assert hosted.post("/assets", "ä" * (limit // 2 + 1))["statusCode"] == 413
    assert hosted.counted(OPERATION).keys() == {"requests", "status.4xx"}


def test_a_body_in_base64_is_read(host):
    from targets.core_events import proxy_event

    hosted = host()
    body = base64.b64encode(json.dumps({"assets": [asset()]}).encode()).decode()
    headers = {"Authorization": "Bearer " + hosted.token(role="admin")}
    event = proxy_event("POST", "/assets", headers, body) | {"isBase64Encoded": True}
    assert hosted.core.handler(event)["statusCode"] == 200
    assert hosted.core.handler(event | {"body": "!"})["statusCode"] == 400
    big = base64.b64encode(b" " * (6 * 1024 * 1024 + 1)).decode()
    assert hosted.core.handler(event | {"body": big})["statusCode"] == 413
