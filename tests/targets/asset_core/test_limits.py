"""What the profiles say is what the client libraries are told."""

import logging

import pytest

from targets.asset_core.profiles import PROFILES
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.servers import ServerStores


@pytest.fixture(params=PROFILES.values(), ids=PROFILES)
def profile(request):
    return request.param


@pytest.fixture
def stores(profile, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("neo4j", "botocore"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    settings = StoreSettings(
        "t", "bolt://127.0.0.1:1", "u", "p", "127.0.0.1", 1, dynamo_endpoint="http://127.0.0.1:1"
    )
    made = ServerStores(settings)(profile, pooling=True)
    yield made
    for store in (made.assets, made.graph, made.cache):
        store.close()


def test_dynamodbs_client_has_the_limits_of_the_profile(profile, stores):
    config = stores.assets.client.meta.config
    assert config.max_pool_connections == profile.dynamo.idle_connections
    assert config.retries == {"mode": "adaptive", "total_max_attempts": 3}
    assert (config.connect_timeout, config.read_timeout) == (10.0, 10.0)
    assert stores.assets.pool().size == profile.dynamo.hard_limit
    assert stores.assets._gate.wait_s == profile.dynamo.call_s


def test_the_graph_driver_has_the_limits_of_the_profile(profile, stores):
    pool = stores.graph._driver._pool
    assert pool.pool_config.max_connection_pool_size == profile.graph.pool_size
    assert pool.pool_config.liveness_check_timeout == 5.0
    assert pool.workspace_config.connection_acquisition_timeout == profile.graph.acquire_s
    assert pool.pool_config.connection_timeout == profile.graph.connect_s
    assert stores.graph.pool().size == profile.graph.pool_size
    assert stores.graph._gate.wait_s == profile.graph.acquire_s


def test_the_graph_driver_logs_warnings_and_no_less_and_botocore_none_of_its_secrets(stores):
    assert logging.getLogger("neo4j.pool").getEffectiveLevel() == logging.WARNING
    assert logging.getLogger("botocore.auth").getEffectiveLevel() == logging.INFO


def test_rediss_client_has_the_limits_of_the_profile(profile, stores):
    pool = stores.cache.connections
    assert pool.max_connections == profile.redis.pool_size
    made = pool.make_connection()
    assert (made.db, made.socket_timeout, made.socket_connect_timeout) == (0, 3.0, 3.0)
    assert stores.cache.pool().size == profile.redis.pool_size
    assert stores.cache._gate.wait_s == profile.redis.wait_s
