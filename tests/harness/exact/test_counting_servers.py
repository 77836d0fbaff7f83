"""The memory stores count as the real servers do: what is exact on the one is true of the other."""

import os
import random

import pytest

from harness.exact.metrics import metric_of
from harness.supervise import Supervisor
from targets.asset_core.seeding import seed
from targets.asset_core.settings import read_stores
from targets.backends.embedded import EmbeddedServers
from targets.core_target import create
from tests.support.exact import ASSET

pytestmark = pytest.mark.servers

REQUESTS = 60


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    with Supervisor() as supervisor, EmbeddedServers() as embedded:
        embedded.start(supervisor, tmp_path_factory.mktemp("servers"))
        yield embedded.environment()


def counted(**parameters):
    target = create(clock="stopped", latency_ms="0", **parameters)
    target.open()
    target.record_sites(on=True)
    rng = random.Random(1)
    statuses = [target.call(target.make_event(ASSET, rng))["statusCode"] for _ in range(REQUESTS)]
    counters, sites = target.counters()[ASSET], target.sites()[ASSET]
    target.close()
    assert {*statuses} <= {200, 404}
    # DynamoDB's answer in bytes is HTTP's; nothing in memory is like it.
    names = {name for name in counters if metric_of(name) and name != "dynamodb.bytes_in"}
    return {name: (counters[name], sites.get(name, {})) for name in names}


@pytest.mark.parametrize("variant", ["optimised", "baseline"])
def test_calls_round_trips_items_and_bytes_are_those_of_the_servers(environment, monkeypatch, variant):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    seed(read_stores(os.environ), "small", 1)
    assert counted(backends="servers", variant=variant) == counted(backends="memory", variant=variant)
