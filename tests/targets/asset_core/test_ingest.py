import base64
import json
import random

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.ingest import Ingest
from targets.asset_core.model import Asset, Bundle
from targets.asset_core.profiles import SERVER
from targets.asset_core.switches import BASELINE, OPTIMISED, parse_switches

OPERATION = "POST /assets"
SINGLY = parse_switches("optimised", "batch_writes:off")


class Context:
    def __init__(self, remaining_ms):
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self.remaining_ms


def asset(asset_id="host:new", **fields):
    return {"id": asset_id, "type": "host", "name": "a host", **fields}


def technologies(*names, version="1.0"):
    return [{"name": name, "version": version} for name in names]


def risk(number, **fields):
    return {"id": f"r{number}", "cve": f"CVE-2025-{number}", "cvss": 5.0, **fields}


def link(target, kind="HOSTS"):
    return {"kind": kind, "target": target, "target_type": "service"}


def ingest(hosted, *assets, **options):
    return hosted.post("/assets", {"assets": list(assets)}, **options)


def read(hosted, asset_id="host:new", tenant="tenant-01"):
    response = hosted.get(f"/assets/{asset_id}", token=hosted.token(tenant))
    return json.loads(response["body"]) if response["statusCode"] == 200 else response["statusCode"]


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


def test_a_write_empties_the_caches_even_of_what_was_not_there(host):
    hosted = host()
    before = read(hosted, SHARED_ID)
    assert read(hosted) == 404
    ingest(hosted, asset(), asset(SHARED_ID, name="renamed"))
    assert read(hosted)["asset"]["name"] == "a host"
    assert before["asset"]["name"] != read(hosted, SHARED_ID)["asset"]["name"] == "renamed"


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


@pytest.mark.parametrize("switches", [OPTIMISED, SINGLY])
def test_without_the_graph_nothing_is_written_and_each_item_says_so(host, switches):
    hosted = host(switches=switches)
    hosted.stores.graph.upsert = failing(StoreError("secret", where="neo4j"))
    response = ingest(hosted, asset(technologies=technologies("a")), asset("host:2"))
    assert response["statusCode"] == 503
    assert "secret" not in response["body"]
    assert json.loads(response["body"]) == {
        "written": 0,
        "failed": 2,
        "failures": [
            {"id": "host:new", "store": "neo4j", "reason": "unavailable"},
            {"id": "host:2", "store": "neo4j", "reason": "unavailable"},
        ],
    }
    assert (read(hosted), read(hosted, "host:2")) == (404, 404)


def failing(error):
    def raising(*_arguments, **_options):
        raise error

    return raising


@pytest.mark.parametrize("switches", [OPTIMISED, SINGLY])
def test_an_asset_of_which_a_part_failed_stays_as_it_was_and_is_healed_by_sending_it_again(host, switches):
    hosted = host(switches=switches)
    ingest(hosted, asset(technologies=technologies("old")), asset("host:2"))
    before = read(hosted)
    stop = refuse(hosted, lambda key: key[1] == "TECH#bad")
    batch = [asset(technologies=technologies("new", "bad")), asset("host:2", name="renamed")]
    response = ingest(hosted, *batch)
    # Batches fail as a whole, so that of single writes only the asset with the bad one fails.
    failed = {"host:new", "host:2"} if switches is OPTIMISED else {"host:new"}
    assert {each["id"] for each in json.loads(response["body"])["failures"]} == failed
    assert {each["store"] for each in json.loads(response["body"])["failures"]} == {"dynamodb"}
    assert read(hosted) == before or read(hosted) == before | {"technologies": []}
    stop()
    assert json.loads(ingest(hosted, *batch)["body"])["failed"] == 0
    assert [each["name"] for each in read(hosted)["technologies"]] == ["bad", "new"]
    assert read(hosted, "host:2")["asset"]["name"] == "renamed"


def refuse(hosted, refuses):
    assets = hosted.stores.assets
    many, one = assets.write_many, assets.write_one

    def write_many(writes, scope):
        if any(refuses(write.key) for write in writes):
            raise StoreError("refused", where="dynamodb")
        return many(writes, scope)

    assets.write_many = write_many
    assets.write_one = lambda write, scope: write_many([write], scope) and None

    def stop():
        assets.write_many, assets.write_one = many, one

    return stop


def test_technologies_that_a_failed_attempt_left_behind_are_never_seen(host):
    hosted = host()
    stop = refuse(hosted, lambda key: key[1] == "META")
    ingest(hosted, asset(technologies=technologies("orphan")))
    stop()
    assert read(hosted) == 404
    ingest(hosted, asset(technologies=technologies("kept")))
    assert [each["name"] for each in read(hosted)["technologies"]] == ["kept"]


def test_no_write_begins_after_the_deadline_and_what_is_written_is_counted(host):
    hosted = host(latency_s=0.02)
    # The latency is log-normal around 20 ms: one read, two queries, and a few batches fit into 150 ms, not all.
    batch = [asset(f"host:{number}") for number in range(1_000)]
    response = ingest(hosted, *batch, context=Context(650))
    report = json.loads(response["body"])
    assert response["statusCode"] == 504
    assert report["written"] + report["failed"] == 1_000
    assert report["failed"] > 0
    assert {each["reason"] for each in report["failures"]} == {"timeout"}
    written = {key[1] for key in hosted.world._metas}
    assert len(written) == report["written"]
    assert written.isdisjoint(each["id"] for each in report["failures"])


def test_what_the_table_did_not_take_in_time_failed_for_want_of_time(host):
    hosted = host()
    original = hosted.stores.assets.write

    def late(bundles, scope, **options):
        scope.due_s = 0.0
        return original(bundles, scope, **options)

    hosted.stores.assets.write = late
    response = ingest(hosted, asset("host:a"), asset("host:b"))
    assert response["statusCode"] == 504
    assert json.loads(response["body"])["failures"] == [
        {"id": each, "store": "dynamodb", "reason": "timeout"} for each in ("host:a", "host:b")
    ]


def test_what_may_have_been_linked_is_no_longer_cached_although_the_graph_failed(host, scope):
    hosted = host()
    read(hosted, SHARED_ID)
    assert hosted.world.values
    hosted.stores.graph.upsert = failing(StoreError("cut", where="neo4j"))
    bundle = Bundle(Asset(SHARED_ID, "tenant-01", "domain", "n", "", "", 1, (), "", ""), [], [], [])
    with pytest.raises(StoreError):
        Ingest(hosted.stores, hosted.resources.cache, True).link("tenant-01", [bundle], scope)
    assert hosted.world.values == {}
    fetches = hosted.counted()["dynamodb.calls"]
    read(hosted, SHARED_ID)
    assert hosted.counted()["dynamodb.calls"] > fetches


def test_what_is_written_at_the_deadline_is_no_longer_cached(host):
    hosted = host()
    before = read(hosted, SHARED_ID)
    original = hosted.stores.assets.write

    def slow(bundles, scope, **options):
        report = original(bundles, scope, **options)
        scope.due_s = 0.0
        return report

    hosted.stores.assets.write = slow
    ingest(hosted, asset(SHARED_ID, name="renamed"))
    assert hosted.world.values == {}
    assert read(hosted, SHARED_ID)["asset"]["name"] == "renamed" != before["asset"]["name"]


def test_the_far_end_of_a_relationship_has_the_type_that_it_was_ingested_with(host):
    hosted = host()
    ingest(hosted, asset(relationships=[link("service:x")]))
    assert read(hosted)["relationships"][0]["target_type"] == "service"
    ingest(hosted, asset("service:x", type="cloud"), asset(relationships=[link("service:x")]))
    assert read(hosted)["relationships"][0]["target_type"] == "cloud"


def test_without_redis_a_write_succeeds_and_the_old_value_is_not_taken_from_there_later(host):
    hosted = host()
    read(hosted, SHARED_ID)
    announce = hosted.stores.cache.announce
    hosted.stores.cache.announce = failing(StoreError("down", where="redis"))
    assert ingest(hosted, asset(SHARED_ID, name="renamed"))["statusCode"] == 200
    assert read(hosted, SHARED_ID)["asset"]["name"] == "renamed"
    hosted.stores.cache.announce = announce
    assert read(hosted, SHARED_ID)["asset"]["name"] == "renamed"


def test_a_read_that_began_before_a_write_leaves_nothing_behind(host):
    hosted = host()
    fetch = hosted.core._container.resources.cache._fetch
    original = fetch._queries["neo4j.risks"]

    def interrupted(*arguments):
        fetch._queries["neo4j.risks"] = original
        ingest(hosted, asset(SHARED_ID, name="renamed"))
        return original(*arguments)

    fetch._queries["neo4j.risks"] = interrupted
    read(hosted, SHARED_ID)
    assert read(hosted, SHARED_ID)["asset"]["name"] == "renamed"


def test_what_one_process_writes_empties_the_cache_of_another(host):
    one = host(profile=SERVER)
    other = host(profile=SERVER, world=one.world)
    before = [read(hosted, SHARED_ID) for hosted in (one, other)]
    kept = read(other, "domain:shared.example", "tenant-02")
    ingest(one, asset(SHARED_ID, name="renamed"))
    assert read(other, SHARED_ID)["asset"]["name"] == "renamed" != before[1]["asset"]["name"]
    assert read(other, "domain:shared.example", "tenant-02") == kept
    assert other.counted("GET /assets/{id}")["cache.l1.hit"] == 1


def test_a_read_that_another_process_overtakes_leaves_nothing_behind(host):
    one = host(profile=SERVER)
    other = host(profile=SERVER, world=one.world)
    fetch = one.resources.cache._fetch
    original = fetch._queries["neo4j.risks"]

    def overtaken(*arguments):
        fetch._queries["neo4j.risks"] = original
        ingest(other, asset(SHARED_ID, name="renamed"))
        return original(*arguments)

    fetch._queries["neo4j.risks"] = overtaken
    read(one, SHARED_ID)
    assert read(one, SHARED_ID)["asset"]["name"] == "renamed"


def test_a_closed_process_hears_nothing_more(host):
    one = host(profile=SERVER)
    other = host(profile=SERVER, world=one.world)
    assert len(one.world.listeners) == 2
    other.core.close()
    assert len(one.world.listeners) == 1


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


def test_an_unplanned_error_of_a_store_is_500_and_the_caches_are_emptied_all_the_same(host):
    hosted = host()
    read(hosted, SHARED_ID)
    hosted.stores.assets.write = failing(ZeroDivisionError())
    assert ingest(hosted, asset(SHARED_ID))["statusCode"] == 500
    assert hosted.world.values == {}


def test_a_deadline_in_a_store_is_told_from_its_failure(host):
    hosted = host()
    hosted.stores.graph.upsert = failing(DeadlineError("late"))
    assert ingest(hosted, asset())["statusCode"] == 504
