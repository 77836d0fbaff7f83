"""What is written is no longer cached: in this process or another, although a store fails or a read overlaps."""

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import StoreError
from targets.asset_core.ingest import Ingest
from targets.asset_core.model import Asset, Bundle
from targets.asset_core.profiles import SERVER
from tests.support.core import failing
from tests.support.hosted import asset, ingest, read


def test_a_write_empties_the_caches_even_of_what_was_not_there(host):
    hosted = host()
    before = read(hosted, SHARED_ID)
    assert read(hosted) == 404
    ingest(hosted, asset(), asset(SHARED_ID, name="renamed"))
    assert read(hosted)["asset"]["name"] == "a host"
    assert before["asset"]["name"] != read(hosted, SHARED_ID)["asset"]["name"] == "renamed"


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
