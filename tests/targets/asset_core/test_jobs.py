"""Jobs as callers see them: who may submit which, how they wait, end, and are asked after."""

import concurrent.futures
import contextlib
import json
import threading
import time

import pytest

from targets.asset_core.errors import StoreError
from targets.asset_core.switches import BASELINE, OPTIMISED, parse_switches
from targets.asset_core.workers.kinds import KINDS, POOLS
from tests.support.core import Context, failing
from tests.support.hosted import (
    ask,
    ended,
    submit,
)

SUBMIT = "POST /jobs"


UNPOOLED = parse_switches("optimised", "worker_pools:off")


failing_redis = failing(StoreError("down", where="redis"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE, UNPOOLED])
def test_a_job_that_is_waited_for_answers_with_its_result(host, kind, switches):
    hosted = host(switches=switches)
    status, document = submit(hosted, kind)
    assert (status, document["state"], document["kind"]) == (200, "done", kind)
    expected = submit(host(), kind)[1]["result"]
    assert document["result"] == expected
    assert ask(hosted, document["id"]) == (200, document)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE, UNPOOLED])
def test_a_job_that_is_not_waited_for_is_taken_at_once_and_can_be_asked_after(host, kind, switches):
    hosted = host(switches=switches)
    status, document = submit(hosted, kind, wait=False)
    assert (status, document.keys(), document["state"]) == (202, {"id", "kind", "state"}, "queued")
    assert ended(hosted, document["id"])["result"] == submit(host(), kind)[1]["result"]


def test_a_job_is_its_tenants_own(host):
    hosted = host()
    _, document = submit(hosted, "risk-correlation")
    assert ask(hosted, document["id"], "tenant-02")[0] == 404
    assert ask(hosted, "none")[0] == 404
    assert ask(hosted, document["id"])[0] == 200


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("nobody", 403), ("analyst", 200), ("admin", 200)]
)
def test_it_needs_the_permission_to_submit(host, role, status):
    hosted = host()
    assert submit(hosted, "risk-correlation", role=role)[0] == status
    assert hosted.get("/jobs/x", token=hosted.token(role=role))["statusCode"] == (
        404 if status == 200 else 403
    )


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE])
@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("mine", {}, "kind"),
        ("vulnerability-scan", {}, "data.ids"),
        ("vulnerability-scan", {"ids": ["a#b"]}, "data.ids[0]"),
        ("vulnerability-scan", {"ids": ["a"] * 101}, "data.ids"),
        ("vulnerability-scan", {"ids": ["a"], "x": 1}, "data.x"),
        ("risk-correlation", {"ids": ["a"], "hops": 6}, "data.hops"),
        ("risk-correlation", {"ids": ["a"], "decay": "x"}, "data.decay"),
        ("asset-discovery", {"scope": ["example.com"], "seeds": ["-"]}, "data.seeds[0]"),
        ("asset-discovery", {"seeds": []}, "data.scope"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_field_when_it_is_submitted(
    host, switches, kind, data, field
):
    hosted = host(switches=switches)
    status, document = submit(hosted, kind, data)
    assert status == 400
    assert [each["field"] for each in document["error"]["fields"]] == [field]
    assert hosted.counted(SUBMIT).keys().isdisjoint({"dynamodb.calls", "redis.calls"})


@pytest.fixture
def stuck(monkeypatch):
    """Work of one kind that waits until it is let go."""
    import dataclasses

    release, begun = threading.Event(), threading.Semaphore(0)

    def wait(*_arguments):
        begun.release()
        assert release.wait(20)
        return {}

    kind = dataclasses.replace(KINDS["vulnerability-scan"], run=wait)
    monkeypatch.setitem(KINDS, "vulnerability-scan", kind)
    yield begun, release
    release.set()


@pytest.mark.parametrize("wait", [True, False])
def test_a_full_pool_answers_at_once_and_keeps_nothing_of_what_it_refused(host, stuck, wait):
    hosted = host()
    capacity = 3 * POOLS["security-scanning"]
    taken = [submit(hosted, "vulnerability-scan", wait=False)[1]["id"] for _ in range(capacity)]
    before = len(hosted.world.values)
    response = hosted.post(
        "/jobs", {"kind": "vulnerability-scan", "data": {"ids": ["a"]}, "wait": wait}, role="analyst"
    )
    assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "1")
    assert json.loads(response["body"])["error"]["message"] == "worker pool 'security-scanning' is full"
    assert len(hosted.world.values) == before
    # Another kind has a pool of its own.
    assert submit(hosted, "risk-correlation")[0] == 200
    stuck[1].set()
    assert {ended(hosted, each)["state"] for each in taken} == {"done"}


def test_a_job_that_takes_too_long_is_504_and_what_waits_behind_it_is_skipped(host, stuck):
    _, release = stuck
    hosted = host()
    jobs = hosted.resources.jobs
    assert [submit(hosted, "vulnerability-scan", context=Context(750))[0] for _ in range(5)] == [504] * 5
    release.set()
    hosted.core.close()
    scanning = next(state for state in jobs.states() if state.name == "security-scanning")
    assert (scanning.done, scanning.skipped) == (3, 2)


def test_a_running_job_says_so(host, stuck):
    begun, release = stuck
    hosted = host()
    job_id = submit(hosted, "vulnerability-scan", wait=False)[1]["id"]
    assert begun.acquire(timeout=20)
    assert ask(hosted, job_id)[1]["state"] == "running"
    release.set()
    assert ended(hosted, job_id)["state"] == "done"


@pytest.mark.parametrize(("after_s", "queued_ends"), [(119, "done"), (121, "failed")])
def test_a_job_that_nobody_waits_for_has_two_minutes_and_all_learn_how_it_ended(
    host, stuck, clock, after_s, queued_ends
):
    begun, release = stuck
    clock.now_s = time.time()
    hosted = host(clocks=clock.clocks)
    workers = POOLS["security-scanning"]
    *running, queued = [submit(hosted, "vulnerability-scan", wait=False)[1]["id"] for _ in range(workers + 1)]
    assert all(begun.acquire(timeout=20) for _ in range(workers))
    clock.advance(after_s)
    release.set()
    # Another process knows what Redis knows; what has begun is done, and noted even past its time.
    other = host(clocks=clock.clocks, world=hosted.world)
    assert {ended(other, each)["state"] for each in running} == {"done"}
    end = ended(other, queued)
    assert end["state"] == queued_ends
    assert end.get("error", {"code": "timeout"}) == {"code": "timeout"}


def test_a_job_in_flight_is_found_although_redis_died_or_came_back_empty(host, stuck):
    begun, release = stuck
    hosted = host()
    job_id = submit(hosted, "vulnerability-scan", wait=False)[1]["id"]
    assert begun.acquire(timeout=20)
    hosted.world.values.clear()
    assert ask(hosted, job_id)[1]["state"] == "running"
    assert ask(hosted, job_id, "tenant-02")[0] == 404
    get = hosted.stores.cache.get
    hosted.stores.cache.get = failing_redis
    assert ask(hosted, job_id)[1]["state"] == "running"
    assert ask(hosted, "x")[0] == 503
    hosted.stores.cache.get = get
    release.set()
    assert ended(hosted, job_id)["state"] == "done"
    # The others, who have only Redis to ask, are told as well.
    assert ask(host(world=hosted.world), job_id)[1]["state"] == "done"


@pytest.mark.parametrize("wait", [True, False])
def test_a_job_is_kept_for_a_quarter_of_an_hour(host, clock, wait):
    clock.now_s = time.time()
    hosted = host(clocks=clock.clocks)
    job_id = submit(hosted, "risk-correlation", wait=wait)[1]["id"]
    ended(hosted, job_id)
    clock.advance(899)
    assert ask(hosted, job_id)[0] == 200
    clock.advance(1)
    assert ask(hosted, job_id)[0] == 404


@pytest.mark.parametrize("kind", ["vulnerability-scan", "risk-correlation", "asset-discovery"])
def test_a_job_without_its_store_fails_with_the_stores_name(host, kind):
    hosted = host()
    hosted.stores.assets.get_assets = failing(StoreError("secret", where="dynamodb"))
    status, document = submit(hosted, kind)
    assert (status, document["error"]["store"]) == (503, "dynamodb")
    job_id = submit(hosted, kind, wait=False)[1]["id"]
    assert ended(hosted, job_id)["error"] == {"code": "unavailable", "store": "dynamodb"}


def test_work_that_fails_in_an_unplanned_way_is_500_and_an_internal_error(host, monkeypatch):
    hosted = host()
    monkeypatch.setattr(hosted.stores.assets, "get_assets", lambda *_arguments: 1 / 0)
    assert submit(hosted, "risk-correlation")[0] == 500
    job_id = submit(hosted, "risk-correlation", wait=False)[1]["id"]
    assert ended(hosted, job_id)["error"] == {"code": "internal"}


def test_without_redis_a_job_is_done_for_whoever_waits_and_refused_to_others(host):
    hosted = host()
    hosted.stores.cache.put = hosted.stores.cache.get = failing_redis
    assert submit(hosted, "risk-correlation")[0] == 200
    status, document = submit(hosted, "risk-correlation", wait=False)
    assert (status, document["error"]["store"]) == (503, "redis")
    assert ask(hosted, "x")[0] == 503


def test_the_same_key_is_the_same_job_for_the_tenant_that_sent_it(host):
    hosted = host()
    first = submit(hosted, "risk-correlation", wait=False, **{"Idempotency-Key": "k"})[1]["id"]
    done = ended(hosted, first)
    assert submit(hosted, "risk-correlation", wait=False, **{"Idempotency-Key": "k"}) == (202, done)
    assert submit(hosted, "risk-correlation", wait=False, **{"Idempotency-Key": "l"})[1]["id"] != first
    other = submit(hosted, "risk-correlation", wait=False, tenant="tenant-02", **{"Idempotency-Key": "k"})
    assert other[1]["id"] != first
    assert submit(hosted, "risk-correlation", wait=False, **{"Idempotency-Key": "a b"})[0] == 400


def test_the_same_key_twice_at_one_time_is_one_job(host, monkeypatch):
    hosted = host()
    runs, both, kept = [], threading.Barrier(2), hosted.stores.cache.get
    correlate = hosted.stores.assets.get_assets

    def slow_get(*arguments):
        found = kept(*arguments)
        # Whoever looks waits for the other to look too: with one after the other nobody comes.
        if not runs:
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.3)
        return found

    def counted(*arguments, **options):
        runs.append(arguments)
        return correlate(*arguments, **options)

    monkeypatch.setattr(hosted.stores.cache, "get", slow_get)
    monkeypatch.setattr(hosted.stores.assets, "get_assets", counted)
    with concurrent.futures.ThreadPoolExecutor(2) as callers:
        again = {"Idempotency-Key": "k"}
        asked = [callers.submit(submit, hosted, "risk-correlation", wait=False, **again) for _ in range(2)]
    answers = [one.result() for one in asked]
    assert {status for status, _ in answers} == {202}
    (job_id,) = {document["id"] for _, document in answers}
    ended(hosted, job_id)
    assert len(runs) == 1


def test_closing_ends_all_workers(host):
    hosted = host()
    for kind in KINDS:
        submit(hosted, kind)
    hosted.core.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if any(pool in name for pool in POOLS)]
