import json
import tracemalloc

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import StoreError
from targets.asset_core.risk import risk_score
from targets.asset_core.switches import BASELINE, OPTIMISED, parse_switches
from tests.support.core import Context, failing

OPERATION = "POST /assets/batch-get"
SINGLY = parse_switches("optimised", "batched_reads:off")


def ids_of(hosted, tenant="tenant-01", count=1_000):
    return [bundle.asset.id for bundle in hosted.inventory if bundle.asset.tenant == tenant][:count]


def batch_get(hosted, ids, **options):
    response = hosted.post("/assets/batch-get", {"ids": ids}, role="viewer", **options)
    return response["statusCode"], json.loads(response["body"])


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE, SINGLY])
def test_each_id_gets_its_result_in_the_order_asked_for(host, switches):
    hosted = host(switches=switches)
    bundles = {b.asset.id: b for b in hosted.inventory if b.asset.tenant == "tenant-01"}
    ids = [*reversed(ids_of(hosted, count=120)), SHARED_ID, SHARED_ID]
    status, document = batch_get(hosted, ids)
    assert status == 200
    assert [each["id"] for each in document["results"]] == ids
    for each in document["results"]:
        bundle, result = bundles[each["id"]], each["result"]
        assert each.keys() == {"id", "result"}
        assert result.pop("processed_at").endswith("Z")
        assert result == {
            "id": bundle.asset.id,
            "name": bundle.asset.name,
            "type": bundle.asset.type,
            "risk_count": len(bundle.risks),
            "risk_score": risk_score(bundle.risks),
        }


@pytest.mark.parametrize("switches", [OPTIMISED, SINGLY])
def test_an_asset_that_is_missing_or_another_tenants_is_its_own_error(host, switches):
    hosted = host(switches=switches)
    theirs = next(each for each in ids_of(hosted, "tenant-02") if each not in ids_of(hosted, "tenant-01"))
    status, document = batch_get(hosted, [SHARED_ID, "host:gone", theirs])
    assert status == 200
    assert "result" in document["results"][0]
    assert document["results"][1:] == [
        {"id": "host:gone", "error": {"code": "not_found"}},
        {"id": theirs, "error": {"code": "not_found"}},
    ]


def test_a_batch_is_read_in_one_call_of_each_store(host):
    hosted = host()
    batch_get(hosted, ids_of(hosted, count=95))
    counted = hosted.counted(OPERATION)
    assert (counted["dynamodb.calls"], counted["neo4j.calls"]) == (10, 10)
    assert "redis.calls" not in counted


def test_without_batched_reads_each_asset_is_read_by_itself(host):
    hosted = host(switches=SINGLY)
    batch_get(hosted, ids_of(hosted, count=95))
    counted = hosted.counted(OPERATION)
    assert (counted["dynamodb.calls"], counted["neo4j.calls"]) == (95, 95)


@pytest.mark.parametrize("switches", [OPTIMISED, SINGLY])
def test_a_failing_store_fails_only_what_needed_it(host, switches):
    hosted = host(switches=switches)
    graph = hosted.stores.graph
    bad = ids_of(hosted, count=40)[15]
    one, many = graph.get_risks, graph.get_risks_of
    error = StoreError("secret", where="neo4j")
    graph.get_risks = lambda tenant, each, scope: (
        one(tenant, each, scope) if each != bad else failing(error)()
    )
    graph.get_risks_of = lambda tenant, ids, scope: (
        many(tenant, ids, scope) if bad not in ids else failing(error)()
    )
    status, document = batch_get(hosted, ids_of(hosted, count=40))
    failed = [each for each in document["results"] if "error" in each]
    assert status == 200
    assert len(failed) == (10 if switches is OPTIMISED else 1)
    assert {each["error"]["store"] for each in failed} == {"neo4j"}
    assert bad in {each["id"] for each in failed}
    assert "secret" not in str(document)


def test_a_store_that_fails_for_all_is_503_with_its_name(host):
    hosted = host()
    hosted.stores.assets.get_assets = failing(StoreError("down", where="dynamodb"))
    status, document = batch_get(hosted, ids_of(hosted, count=30))
    assert (status, document["error"]["store"]) == (503, "dynamodb")


def test_a_worker_that_fails_in_an_unplanned_way_is_an_error_of_each_of_its_ids(host):
    hosted = host()
    hosted.stores.graph.get_risks_of = failing(SystemExit())
    status, document = batch_get(hosted, ids_of(hosted, count=25))
    assert status == 200
    assert [each["error"] for each in document["results"]] == [{"code": "internal"}] * 25
    del hosted.stores.graph.get_risks_of
    assert all("result" in each for each in batch_get(hosted, ids_of(hosted, count=25))[1]["results"])


@pytest.mark.parametrize("switches", [OPTIMISED, SINGLY])
def test_a_request_whose_time_is_used_up_is_504(host, switches):
    hosted = host(latency_s=0.05, switches=switches)
    assert batch_get(hosted, ids_of(hosted, count=200), context=Context(560))[0] == 504


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), ("nobody", 403)])
def test_it_needs_the_permission_to_read(host, role, status):
    hosted = host()
    assert hosted.post("/assets/batch-get", {"ids": [SHARED_ID]}, role=role)["statusCode"] == status


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE])
def test_a_hostile_id_is_refused_before_any_store_is_asked(host, switches):
    hosted = host(switches=switches)
    status, document = batch_get(hosted, [SHARED_ID, "a'}) DETACH DELETE n //"])
    assert (status, document["error"]["fields"][0]["field"]) == (400, "ids[1]")
    assert "dynamodb.calls" not in hosted.counted(OPERATION)


def process(hosted, ids, scope):
    return hosted.core._container.resources.processor.process("tenant-01", ids, scope)


def test_no_more_batches_than_the_window_holds_are_begun_ahead(host, scope):
    hosted = host()
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield SHARED_ID

    outcomes = process(hosted, endless(), scope)
    for _ in range(500):
        next(outcomes)
    assert len(taken) <= 500 + 10 * 10
    outcomes.close()


def test_memory_is_flat_as_the_number_of_ids_grows(host, scope):
    hosted = host()
    ids = ids_of(hosted, count=50)

    def peak_bytes(count):
        stream = (ids[number % len(ids)] for number in range(count))
        tracemalloc.start()
        assert sum(1 for _ in process(hosted, stream, scope)) == count
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(500)
    few = peak_bytes(500)
    # Keeping the outcomes alone would be fifty times as much; the rest is which threads came first.
    assert peak_bytes(5_000) < 2 * few


def test_after_the_deadline_each_id_still_gets_its_error(host):
    from targets.asset_core.counting import Tally
    from targets.asset_core.scope import Scope

    outcomes = list(process(host(), ["a"] * 1_000, Scope(0.0, Tally())))
    assert [each.error.code for each in outcomes] == ["timeout"] * 1_000
