"""Reads while a store fails, time is used up, or others miss the same asset at the same time."""

import dataclasses
import json
import threading

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import StoreError
from targets.asset_core.switches import BASELINE, OPTIMISED
from tests.support.core import Context, failing

ASSET = f"/assets/{SHARED_ID}"


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE])
@pytest.mark.parametrize(
    ("store", "attribute", "method"),
    [
        ("dynamodb", "assets", "get_asset"),
        ("dynamodb", "assets", "get_technologies"),
        ("neo4j", "graph", "get_risks_and_exposure"),
        ("neo4j", "graph", "get_relationships"),
    ],
)
def test_a_read_without_a_database_is_503_with_its_name(
    host, monkeypatch, switches, store, attribute, method
):
    from targets.asset_core.stores.memory import MemoryAssets, MemoryGraph

    def raising(*_arguments):
        raise StoreError("secret detail", where=store)

    monkeypatch.setattr({"assets": MemoryAssets, "graph": MemoryGraph}[attribute], method, raising)
    response = host(switches=switches).get(ASSET)
    assert response["statusCode"] == 503
    assert json.loads(response["body"])["error"]["store"] == store
    assert "secret" not in response["body"]


def test_a_read_without_redis_succeeds_and_stops_asking_it(host):
    hosted = host()
    calls = []

    def failing(*_arguments):
        calls.append(1)
        raise StoreError("down", where="redis")

    hosted.stores.cache.get = hosted.stores.cache.put = failing
    for number in range(10):
        assert hosted.get(f"/assets/{hosted.inventory.identity(number)[1]}")["statusCode"] == 200
    assert len(calls) == 3
    assert hosted.counted()["cache.l2.errors"] == 3
    assert hosted.counted()["cache.l2.skipped"] == 17


@pytest.mark.parametrize("switches", [OPTIMISED, dataclasses.replace(OPTIMISED, parallel_fetch=False)])
def test_a_request_whose_time_is_used_up_is_504(host, switches):
    hosted = host(latency_s=0.05, switches=switches)
    assert hosted.get(ASSET, context=Context(400))["statusCode"] == 504
    assert hosted.get(ASSET, context=Context(520))["statusCode"] == 504
    assert hosted.get(ASSET, context=Context(30_000))["statusCode"] == 200
    assert hosted.counted()["status.5xx"] == 2


def test_one_error_does_not_leave_later_requests_without_an_answer(host):
    hosted = host()
    original = hosted.stores.graph.get_risks_and_exposure
    hosted.core._container.resources.cache._fetch._queries["neo4j.risks"] = lambda *_: 1 / 0
    assert hosted.get(ASSET)["statusCode"] == 500
    hosted.core._container.resources.cache._fetch._queries["neo4j.risks"] = original
    assert hosted.get(ASSET)["statusCode"] == 200


def test_concurrent_misses_of_one_asset_make_one_fetch(host):
    hosted = host(latency_s=0.05)
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(hosted.get(ASSET)["statusCode"])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert hosted.counted()["cache.l3.fetch"] == 1
    assert hosted.counted()["dynamodb.calls"] == 2


def test_tenants_that_miss_the_same_id_at_the_same_time_get_their_own_asset_each(host):
    tenants, bodies = ("tenant-01", "tenant-02"), {}
    expected = {tenant: host().get(ASSET, token=host().token(tenant))["body"] for tenant in tenants}
    hosted, release = host(), threading.Event()
    original = hosted.stores.graph.get_relationships
    reading = threading.Semaphore(0)

    def held(*arguments):
        reading.release()
        assert release.wait(20)
        return original(*arguments)

    hosted.resources.cache._fetch._queries["neo4j.relationships"] = held

    def read(tenant):
        bodies[tenant] = hosted.get(ASSET, token=hosted.token(tenant))["body"]

    threads = [threading.Thread(target=read, args=(tenant,)) for tenant in tenants]
    for thread in threads:
        thread.start()
    both = [reading.acquire(timeout=10) for _ in threads]
    release.set()
    for thread in threads:
        thread.join()
    assert both == [True, True]
    assert bodies == expected
    assert expected["tenant-01"] != expected["tenant-02"]


def test_who_is_told_that_a_store_is_missing_is_told_when_to_come_again(host):
    hosted = host()
    hosted.resources.cache._fetch._queries["dynamodb.asset"] = failing(StoreError("down", where="dynamodb"))
    response = hosted.get(ASSET)
    assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "1")
