import collections
import json
import random
import subprocess
import sys

import pytest

from targets.asset_core.errors import SettingsError, SwitchError
from targets.core_target import create


@pytest.fixture
def target():
    made = create(latency_ms="0")
    made.open()
    yield made
    made.close()


def test_events_of_a_seed_ask_for_the_same_assets_by_the_same_users(target):
    def asked(seed):
        rng = random.Random(seed)
        events = [target.make_event("GET /assets/{id}", rng) for _ in range(200)]
        return [(event["path"], event["headers"]) for event in events]

    assert asked(3) == asked(3)
    assert asked(3) != asked(4)


def test_most_events_are_answered_and_few_ask_for_what_is_not_there(target):
    rng = random.Random(1)
    statuses = collections.Counter(
        target.call(target.make_event("GET /assets/{id}", rng))["statusCode"] for _ in range(1_000)
    )
    assert statuses[200] + statuses[404] == 1_000
    assert 0 < statuses[404] < 20
    assert target.counters()["GET /assets/{id}"]["requests"] == 1_000


def test_the_mix_is_read_mostly_and_every_operation_makes_events(target):
    assert sum(target.operations.values()) == pytest.approx(1)
    for operation in target.operations:
        assert target.outcome(target.call(target.make_event(operation, random.Random(1)))) == "completed"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "completed"),
        (304, "completed"),
        (404, "completed"),
        (401, "completed"),
        (500, "failed"),
        (503, "failed"),
        (504, "timed_out"),
    ],
)
def test_outcomes_follow_the_status(target, status, outcome):
    assert target.outcome({"statusCode": status}) == outcome


@pytest.mark.parametrize(
    ("parameters", "error", "says"),
    [
        ({"varient": "baseline"}, SettingsError, "varient"),
        ({"variant": "fast"}, SwitchError, "fast"),
        ({"switches": "l9:on"}, SwitchError, "l9"),
        ({"seed": "one"}, SettingsError, "seed"),
        ({"profile": "laptop"}, SettingsError, "laptop"),
        ({"clock": "sundial"}, SettingsError, "sundial"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(parameters, error, says):
    with pytest.raises(error, match=says):
        create(**parameters)


def test_unknown_backends_and_missing_addresses_are_named_on_opening(monkeypatch):
    with pytest.raises(SettingsError, match="backends"):
        create(backends="cloud").open()
    monkeypatch.delenv("REDIS_ENDPOINT", raising=False)
    with pytest.raises(SettingsError, match="REDIS_ENDPOINT"):
        create(backends="servers").open()


def test_wrap_reaches_the_work_of_the_fetch():
    wrapped = []

    def wrap(function):
        wrapped.append(function)
        return function

    target = create(latency_ms="0")
    target.instrument(wrap)
    target.open()
    wrapped.clear()
    target.call(target.make_event("GET /assets/{id}", random.Random(1)))
    target.close()
    assert len(wrapped) == 4


IMPORTS = """
import json, random, sys
from targets.core_target import create
target = create(latency_ms="0")
target.open()
target.call(target.make_event("GET /assets/{id}", random.Random(1)))
target.close()
print(json.dumps([name for name in ("boto3", "botocore", "neo4j", "redis", "gevent", "locust", "harness") if name in sys.modules]))
"""


def test_over_memory_no_client_library_is_ever_imported():
    result = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(result.stdout) == []


PATCHED = """
import locust, json, random, gevent.pool
from targets.core_target import create
target = create(latency_ms="5")
target.open()
rng = random.Random(1)
events = [target.make_event("GET /assets/{id}", rng) for _ in range(60)]
statuses = [result["statusCode"] for result in gevent.pool.Pool(12).map(target.call, events)]
target.close()
print(json.dumps(sorted(set(statuses) - {404})))
"""


def test_it_serves_under_locusts_greenlets():
    result = subprocess.run(
        [sys.executable, "-c", PATCHED], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(result.stdout) == [200]
