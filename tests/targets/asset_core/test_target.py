import collections
import json
import random
import subprocess
import sys

import pytest

from harness.target.spec import parse_spec
from scenarios.catalogue import SCENARIOS
from targets.asset_core import responses
from targets.asset_core.errors import SettingsError, SwitchError
from targets.asset_core.routing import ROUTES
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


OPERATIONS = [route.operation for route in ROUTES]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("variant", ["optimised", "baseline"])
def test_events_of_every_operation_are_permitted_valid_and_answered(operation, variant):
    target = create(latency_ms="0", variant=variant)
    target.open()
    rng = random.Random(5)
    events = [target.make_event(operation, rng) for _ in range(12)]
    statuses = {target.call(event)["statusCode"] for event in events}
    target.close()
    assert statuses <= {200, 202, 404}
    assert statuses & {200, 202}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_same_seed_makes_the_same_events(target, operation):
    def made(seed):
        rng = random.Random(seed)
        events = [target.make_event(operation, rng) for _ in range(20)]
        return [(event["path"], event["headers"], event["body"]) for event in events]

    assert made(3) == made(3)
    assert made(3) != made(4) or operation == "GET /health"


def test_the_jobs_that_are_asked_after_are_there(target):
    rng = random.Random(1)
    answers = [target.call(target.make_event("GET /jobs/{id}", rng)) for _ in range(20)]
    assert {answer["statusCode"] for answer in answers} == {200}
    assert {json.loads(answer["body"])["state"] for answer in answers} == {"done"}


def test_writing_an_inventory_again_changes_no_answer(target):
    rng = random.Random(1)
    reads = [target.make_event("GET /assets/{id}", rng) for _ in range(200)]
    before = [target.call(event)["body"] for event in reads]
    for _ in range(30):
        report = json.loads(target.call(target.make_event("POST /assets", rng))["body"])
        assert (report["failed"], report["written"] > 0) == (0, True)
    assert [target.call(event)["body"] for event in reads] == before


@pytest.mark.parametrize("name", [name for name, found in SCENARIOS.items() if found.target])
def test_scenarios_name_operations_that_their_target_has(name):
    spec = parse_spec(SCENARIOS[name].target)
    assert spec.name == "asset-core"
    assert SCENARIOS[name].operations.keys() <= create(**spec.parameters).operations.keys()
    assert sum(SCENARIOS[name].operations.values()) == pytest.approx(1)


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
    ("response", "reason"),
    [
        (responses.unavailable("redis"), "503 unavailable: redis"),
        (responses.busy("too many requests"), "503 busy"),
        (responses.timed_out(), "504 timeout"),
    ],
)
def test_a_failure_is_named_by_status_code_and_store(target, response, reason):
    assert target.failure(response) == reason


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
names = ["GET /assets/{id}", "POST /assets/batch-get", "POST /assets", "POST /jobs", "GET /jobs/{id}"]
events = [target.make_event(names[number % 5], rng) for number in range(100)]
statuses = [result["statusCode"] for result in gevent.pool.Pool(5).map(target.call, events)]
target.close()
print(json.dumps(sorted(set(statuses) - {404})))
"""


def test_it_serves_under_locusts_greenlets():
    result = subprocess.run(
        [sys.executable, "-c", PATCHED], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(result.stdout) == [200]
