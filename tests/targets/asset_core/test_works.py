"""What the core is asked to do besides plain requests: cold starts, herds, one tenant that sends most."""

import base64
import gc
import json
import random
import subprocess
import threading

import pytest

from harness.work.subjects import select
from scenarios.catalogue import SCENARIOS
from targets.asset_core.errors import DataError, SettingsError
from targets.core_target import create
from targets.core_works import cold
from targets.core_works.stampede import HERD, HOT_ASSETS, STAMPEDE


@pytest.fixture
def target():
    made = []

    def make(work, **parameters):
        found = create(work=work, **{"latency_ms": "0", "profile": "lambda", **parameters})
        found.open()
        made.append(found)
        return found

    yield make
    for each in made:
        each.close()


def events_of(target, operation, count, seed=1):
    rng = random.Random(seed)
    return [target.make_event(operation, rng) for _ in range(count)]


@pytest.mark.parametrize("variant", ["optimised", "baseline"])
@pytest.mark.parametrize("work", ["cold-start", "cache-stampede", "tenant-skew"])
def test_every_operation_of_every_work_is_answered(target, work, variant):
    hosted = target(work, variant=variant)
    for operation in hosted.operations:
        events = events_of(hosted, operation, 1 if "interpreter" in operation else 10)
        assert {hosted.call(event)["statusCode"] for event in events} <= {200, 404}


def tenant_of(event):
    payload = event["headers"]["Authorization"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims.get("custom:tenant") or next(
        group.removeprefix("tenant:") for group in claims["cognito:groups"] if group.startswith("tenant:")
    )


def test_the_noisy_tenant_is_the_largest_and_the_quiet_ones_are_all_others(target):
    hosted = target("tenant-skew")
    seen = {"noisy tenant": set(), "quiet tenants": set()}
    for operation in hosted.operations:
        seen[operation.partition(":")[0]] |= {tenant_of(e) for e in events_of(hosted, operation, 60)}
    assert seen == {"noisy tenant": {"tenant-01"}, "quiet tenants": {"tenant-02", "tenant-03", "tenant-04"}}


def test_a_skew_needs_two_tenants(tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text('{"id":"a","type":"host","name":"A"}')
    with pytest.raises(DataError, match="all assets belong to one tenant"):
        create(work="tenant-skew", data=str(path))


def fetches_of_a_herd(hosted):
    (event,) = events_of(hosted, STAMPEDE, 1)
    hosted.call(event)
    before = hosted.counters()["GET /assets/{id}"]
    assert hosted.call(event)["statusCode"] == 200
    after = hosted.counters()["GET /assets/{id}"]
    assert after["requests"] - before["requests"] == HERD
    return after.get("cache.l3.fetch", 0) - before.get("cache.l3.fetch", 0)


def test_a_herd_finds_the_caches_empty_and_single_flight_fetches_once_for_all(target):
    assert fetches_of_a_herd(target("cache-stampede", latency_ms="20")) == 1
    assert fetches_of_a_herd(target("cache-stampede", latency_ms="20", switches="single_flight:off")) > 1


def test_herds_run_for_the_few_most_popular_assets(target):
    hosted = target("cache-stampede", zipf="2")
    herds = {event.do.args[1] for event in events_of(hosted, STAMPEDE, 100)}
    reads = [event["path"].removeprefix("/assets/") for event in events_of(hosted, "GET /assets/{id}", 400)]
    assert len(herds) == HOT_ASSETS
    assert sum(read in herds for read in reads) > 0.7 * len(reads)


def test_no_core_outlives_its_cold_start(target):
    hosted = target("cold-start", profile="server")
    before, thresholds = set(threading.enumerate()), gc.get_threshold()
    for event in [*events_of(hosted, cold.INITIALISE, 3), *events_of(hosted, cold.FIRST_REQUEST, 3)]:
        hosted.call(event)
    for thread in set(threading.enumerate()) - before:
        thread.join(30)
    assert set(threading.enumerate()) <= before
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() == 0


def test_a_first_request_is_that_of_an_asset_with_nothing_in_any_cache_of_the_process(target, monkeypatch):
    cores = []
    core_of = cold.Core
    monkeypatch.setattr(cold, "Core", lambda plan: cores.append(core_of(plan)) or cores[-1])
    hosted = target("cold-start", variant="optimised")
    for event in events_of(hosted, cold.FIRST_REQUEST, 5):
        hosted.call(event)
    counted = [core.counters()["GET /assets/{id}"] for core in cores]
    assert [count["requests"] for count in counted] == [1] * 5
    assert all(count["cache.l1.miss"] == 1 for count in counted)


def test_an_interpreter_that_fails_is_a_failed_call(target, monkeypatch):
    monkeypatch.setattr(cold, "MODULES", "no_such_module")
    hosted = target("cold-start")
    (event,) = events_of(hosted, cold.IMPORTS, 1)
    with pytest.raises(subprocess.CalledProcessError):
        hosted.call(event)


def test_a_target_that_is_named_without_its_work_gets_that_of_the_scenario():
    scenario = SCENARIOS["tenant-skew"]
    assert select("asset-core?data=medium", scenario, ()).spec.parameters == {
        "work": "tenant-skew", "data": "medium",
    }  # fmt: skip
    assert select("asset-core?work=requests", scenario, ()).spec.parameters == {"work": "requests"}
    assert select("known:noop", scenario, ()).spec.parameters == {}


def test_an_unknown_work_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match="requests or cold-start"):
        create(work="play")
