"""Connections to real servers: how long they are kept, when they are made anew, and how calls end that nobody answers."""

import socket
import time

import pytest

from targets.asset_core.errors import CoreError, DeadlineError, StoreError
from targets.asset_core.profiles import LAMBDA, SERVER, RedisLimits
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.graph import BoltGraph
from targets.asset_core.stores.redis_cache import RedisCache
from targets.asset_core.stores.servers import ServerStores
from tests.support.core import due_in

pytestmark = pytest.mark.servers


@pytest.fixture
def silent():
    """A port that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


@pytest.fixture
def dead_settings(silent, settings):
    return StoreSettings(
        table="t",
        neo4j_uri=f"bolt://127.0.0.1:{silent}",
        neo4j_user="u",
        neo4j_password="p",
        redis_host="127.0.0.1",
        redis_port=silent,
        dynamo_endpoint=f"http://127.0.0.1:{silent}",
    )


@pytest.mark.parametrize("store", ["assets", "graph", "cache"])
def test_a_silent_server_is_given_up_on_at_the_deadline_of_the_request(dead_settings, store):
    stores = ServerStores(dead_settings)(LAMBDA, pooling=True)
    with pytest.raises(DeadlineError):
        getattr(stores, store).ping(due_in(0.3))
    for made in (stores.assets, stores.graph, stores.cache):
        assert made.pool().in_use == 0
        made.close()


@pytest.mark.parametrize("store", ["assets", "graph", "cache"])
def test_a_refused_connection_is_a_store_error_with_its_name(settings, store):
    closed = StoreSettings(
        table="t",
        neo4j_uri="bolt://127.0.0.1:1",
        neo4j_user="u",
        neo4j_password="p",
        redis_host="127.0.0.1",
        redis_port=1,
        dynamo_endpoint="http://127.0.0.1:1",
    )
    stores = ServerStores(closed)(LAMBDA, pooling=True)
    name = {"assets": "dynamodb", "graph": "neo4j", "cache": "redis"}[store]
    with pytest.raises(CoreError) as caught:
        getattr(stores, store).ping(due_in(20))
    assert caught.value.where == name
    for made in (stores.assets, stores.graph, stores.cache):
        made.close()


def test_a_wrong_password_is_a_store_error_that_does_not_show_it(settings, scope):
    import dataclasses

    graph = BoltGraph(dataclasses.replace(settings, neo4j_password="wrong-one"), LAMBDA.graph, pooling=True)
    with pytest.raises(StoreError) as caught:
        graph.ping(scope)
    assert "wrong-one" not in str(caught.value)
    graph.close()


def client_id(cache, scope):
    return cache._call(scope, cache._client.client_id)


def redis_cache(settings, *, pooling=True, **limits):
    return RedisCache(settings, RedisLimits(pool_size=5, wait_s=1.0, **limits), pooling=pooling)


def test_values_live_in_redis_as_long_as_asked(settings, scope):
    cache = redis_cache(settings)
    cache.put("asset:t:short:full", b"\x00\xff", 0.05, scope)
    assert cache.get("asset:t:short:full", scope) == b"\x00\xff"
    time.sleep(0.1)
    assert cache.get("asset:t:short:full", scope) is None
    cache.remove(["asset:t:none:full"], scope)
    cache.close()


def test_redis_connections_are_kept_unless_pooling_is_off(settings, scope):
    kept, single = redis_cache(settings), redis_cache(settings, pooling=False)
    assert len({client_id(kept, scope) for _ in range(4)}) == 1
    assert len({client_id(single, scope) for _ in range(4)}) == 4
    kept.close()
    single.close()


@pytest.mark.parametrize("limits", [{"idle_s": 0.05}, {"lifetime_s": 0.05}])
def test_redis_connections_are_retired_when_idle_or_alive_for_too_long(settings, scope, limits):
    cache = redis_cache(settings, **limits)
    first = client_id(cache, scope)
    time.sleep(0.1)
    assert client_id(cache, scope) != first
    cache.close()


def test_a_minimum_of_idle_redis_connections_is_kept_open(settings, scope):
    cache = redis_cache(settings, min_idle=3)
    assert cache.connections.idle == 0
    cache.ping(scope)
    assert cache.connections.idle == 3
    cache.close()


@pytest.mark.parametrize(("busy", "filled"), [(0, 2), (1, 1), (2, 0)])
def test_idle_redis_connections_are_made_only_in_places_that_nobody_needs(settings, scope, busy, filled):
    cache = RedisCache(settings, RedisLimits(pool_size=2, wait_s=0.1, min_idle=2), pooling=True)
    places, seen = [cache._gate.passing(scope) for _ in range(busy)], []
    make = cache.connections.get_connection
    cache.connections.get_connection = lambda: (seen.append(cache.pool().in_use), make())[1]
    for place in places:
        place.__enter__()
    cache.connections.fill(cache._gate)
    assert (cache.connections.idle, seen) == (filled, list(range(busy + 1, 3)))
    for place in places:
        place.__exit__(None, None, None)
    assert cache.pool().in_use == 0
    assert cache.get("none", scope) is None
    cache.close()


def test_idle_redis_connections_that_cannot_be_made_take_no_place_and_fail_nothing(scope):
    cache = RedisCache(StoreSettings("t", "", "", "", "127.0.0.1", 1), SERVER.redis, pooling=True)
    cache.connections.fill(cache._gate)
    assert (cache.pool().in_use, cache.connections.idle) == (0, 0)
    cache.close()


def test_without_pooling_no_redis_connection_is_kept_ready(settings, scope):
    cache = RedisCache(settings, SERVER.redis, pooling=False)
    cache.ping(scope)
    assert cache.connections.idle <= 1
    cache.close()


def test_a_dropped_redis_connection_is_tried_once_more(settings, scope):
    cache, other = redis_cache(settings), redis_cache(settings)
    own = client_id(cache, scope)
    other._call(scope, other._client.client_kill_filter, _id=own)
    assert client_id(cache, scope) != own
    cache.close()
    other.close()


def ports(graph):
    pool = graph._driver._pool
    return {connection.local_port for held in pool.connections.values() for connection in held}


@pytest.mark.parametrize(("pooling", "expected"), [(True, 1), (False, 3)])
def test_graph_connections_are_kept_unless_pooling_is_off(settings, scope, pooling, expected):
    graph, seen = BoltGraph(settings, SERVER.graph, pooling=pooling), set()
    for _ in range(3):
        graph.ping(scope)
        seen |= ports(graph)
    graph.close()
    assert len(seen) == expected
