"""Ingest while a store fails or time runs out: what is said of each asset, and that sending again heals it."""

import json

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.switches import OPTIMISED, parse_switches
from tests.support.core import Context, failing
from tests.support.hosted import asset, ingest, read, technologies

SINGLY = parse_switches("optimised", "batch_writes:off")


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
