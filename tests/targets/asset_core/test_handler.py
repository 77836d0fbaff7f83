import base64
import dataclasses
import gzip
import json
import logging
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.asset_core.data.generator import HUB_DEGREE, SHARED_ID
from targets.asset_core.errors import StoreError
from targets.asset_core.model import Relationship
from targets.asset_core.profiles import SERVER
from targets.asset_core.risk import risk_score
from targets.asset_core.switches import BASELINE, OPTIMISED, Switches, parse_switches
from targets.core_events import proxy_event

ASSET = f"/assets/{SHARED_ID}"


class Context:
    def __init__(self, remaining_ms):
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self.remaining_ms


def fails(store, method, error):
    """Make one method of a store raise."""

    def raising(*_arguments, **_options):
        raise error

    setattr(store, method, raising)


def test_the_answer_is_the_whole_asset(host):
    hosted = host()
    response = hosted.get(ASSET)
    bundle = next(b for b in hosted.inventory if b.asset.id == SHARED_ID and b.asset.tenant == "tenant-01")
    document = json.loads(response["body"])
    assert response["statusCode"] == 200
    assert document["asset"]["name"] == bundle.asset.name
    assert [risk["id"] for risk in document["risks"]] == [
        risk.id for risk in sorted(bundle.risks, key=lambda risk: (-risk.cvss, risk.id))
    ]
    assert [technology["name"] for technology in document["technologies"]] == sorted(
        technology.name for technology in bundle.technologies
    )
    assert len(document["relationships"]) == len(bundle.relationships)
    assert document["risk_score"] == risk_score(bundle.risks)
    assert response["headers"]["X-Fetched-At"].endswith("Z")
    assert response["headers"]["Content-Type"] == "application/json"


def test_a_caller_sees_only_its_own_tenant(host):
    hosted = host()
    own = next(
        b.asset.id for b in hosted.inventory if b.asset.tenant == "tenant-02" and b.asset.id != SHARED_ID
    )
    assert hosted.get(f"/assets/{own}", token=hosted.token("tenant-02"))["statusCode"] == 200
    assert hosted.get(f"/assets/{own}", token=hosted.token("tenant-01"))["statusCode"] == 404
    bodies = {
        json.loads(hosted.get(ASSET, hosted.token(f"tenant-0{n}"))["body"])["asset"]["tenant"]
        for n in (1, 2, 3)
    }
    assert bodies == {"tenant-01", "tenant-02", "tenant-03"}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Switches)] + ["all"])
def test_no_switch_changes_a_body(host, name):
    switches = BASELINE if name == "all" else dataclasses.replace(OPTIMISED, **{name: False})
    with_all, without = host(), host(switches=switches)
    paths = [f"/assets/{with_all.inventory.identity(number)[1]}" for number in range(0, 120, 9)]
    paths += [ASSET, "/assets/host:gone", "/assets/bad!id", "/nowhere", "/assets/"]
    for path in [*paths, *paths]:
        expected, found = with_all.get(path), without.get(path)
        assert found["statusCode"] == expected["statusCode"], path
        assert found["body"] == expected["body"], path
        assert found["headers"].get("ETag") == expected["headers"].get("ETag"), path


def test_relationships_are_capped_and_say_so(host):
    # On a small inventory the largest tenant has fewer neighbours than the cap: add some.
    hosted = host()
    key, bundle = next((key, b) for key, b in hosted.world.bundles.items() if key == ("tenant-01", SHARED_ID))
    many = [neighbour(number) for number in range(HUB_DEGREE)]
    hosted.world.bundles[key] = type(bundle)(bundle.asset, bundle.technologies, bundle.risks, many)
    document = json.loads(hosted.get(ASSET)["body"])
    assert len(document["relationships"]) == 1_000
    assert document["relationships_truncated"] is True


def neighbour(number):
    return Relationship("DEPENDS_ON", f"host:{number:05d}", "host")


def test_the_second_request_comes_from_l1_without_any_store(host):
    hosted = host()
    first = hosted.get(ASSET)
    before = dict(hosted.counted())
    second = hosted.get(ASSET)
    after = hosted.counted()
    assert second["body"] == first["body"]
    assert second["headers"]["X-Fetched-At"] == first["headers"]["X-Fetched-At"]
    assert after["cache.l1.hit"] == 1
    for counter in ("dynamodb.calls", "neo4j.calls", "redis.calls"):
        assert after[counter] == before[counter]


def test_a_miss_asks_each_store_as_often_as_planned(host):
    hosted = host()
    hosted.get(ASSET)
    counted = hosted.counted()
    assert (counted["dynamodb.calls"], counted["neo4j.calls"], counted["redis.calls"]) == (2, 2, 2)
    assert (counted["cache.l1.miss"], counted["cache.l2.miss"], counted["cache.l3.fetch"]) == (1, 1, 1)
    assert (counted["requests"], counted["status.2xx"]) == (1, 1)


def test_a_changed_header_of_one_response_is_not_in_the_next(host):
    hosted = host()
    hosted.get(ASSET)["headers"]["ETag"] = "mine"
    assert hosted.get(ASSET)["headers"]["ETag"] != "mine"


def test_a_missing_asset_is_remembered_for_five_seconds(host, clock):
    hosted = host(clocks=clock.clocks)
    token = signed(hosted, clock)
    assert hosted.get("/assets/host:gone", token)["statusCode"] == 404
    assert hosted.get("/assets/host:gone", token)["statusCode"] == 404
    assert hosted.counted()["cache.l3.fetch"] == 1
    clock.advance(5.1)
    hosted.world.values.clear()
    assert hosted.get("/assets/host:gone", token)["statusCode"] == 404
    assert hosted.counted()["cache.l3.fetch"] == 2


def signed(hosted, clock):
    claims = hosted.issuer.claims("tenant-01", "ada", role="viewer", use="id")
    return hosted.issuer.sign(claims | {"exp": clock.now_s + 3600, "nbf": clock.now_s - 10})


def test_gzip_is_sent_to_those_who_accept_it_and_is_the_same_body(host):
    hosted = host()
    path = next(
        f"/assets/{b.asset.id}"
        for b in hosted.inventory
        if b.asset.tenant == "tenant-01" and len(b.risks) > 8
    )
    plain = hosted.get(path)
    packed = hosted.get(path, **{"accept-encoding": "br;q=1.0, GZIP;q=0.5"})
    refused = hosted.get(path, **{"Accept-Encoding": "gzip;q=0, identity"})
    assert packed["isBase64Encoded"] is True
    assert packed["headers"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]
    assert refused["body"] == plain["body"]
    assert "Content-Encoding" not in refused["headers"]


def test_the_gzip_form_is_made_on_first_demand_and_kept_beside_the_body(host):
    hosted, path = host(), "/assets/domain:shared.example"

    def slot():
        ((_, entry, _),) = hosted.resources.local._slots.values()
        return entry

    plain = hosted.get(path)
    assert slot().gzip_text is None
    first = hosted.get(path, **{"Accept-Encoding": "gzip"})
    assert first["body"] is slot().gzip_text
    assert hosted.get(path, **{"Accept-Encoding": "gzip"})["body"] is first["body"]
    assert hosted.get(path)["body"] == plain["body"]


@pytest.mark.parametrize("tag", ["{etag}", "*", '"other", {etag}', "{strong}"])
def test_a_known_entity_tag_is_answered_with_304_and_no_body(host, tag):
    hosted = host()
    etag = hosted.get(ASSET)["headers"]["ETag"]
    response = hosted.get(ASSET, **{"If-None-Match": tag.format(etag=etag, strong=etag.removeprefix("W/"))})
    assert (response["statusCode"], response["body"]) == (304, "")
    assert response["headers"]["ETag"] == etag


def test_an_unknown_entity_tag_gets_the_body(host):
    assert host().get(ASSET, **{"If-None-Match": '"other"'})["statusCode"] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/", 404),
        ("GET", "", 404),
        ("GET", "/asset", 404),
        ("GET", "/assets/a/b", 404),
        ("POST", "/assets/a", "GET"),
        ("GET", "/assets", "POST"),
        ("PUT", "/assets/batch-get", "GET, POST"),
        ("DELETE", "/health", "GET"),
        ("get", "/health", "GET"),
    ],
)
@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE])
def test_other_paths_are_404_and_other_methods_405_with_what_is_allowed(host, method, path, status, switches):
    response = host(switches=switches).core.handler(proxy_event(method, path, {}))
    if status == 404:
        assert response["statusCode"] == 404
    else:
        assert (response["statusCode"], response["headers"]["Allow"]) == (405, status)


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE])
def test_an_asset_may_be_named_as_an_operation_is(host, switches):
    response = host(switches=switches).get("/assets/batch-get")
    assert (response["statusCode"], "no such resource" in response["body"]) == (404, True)


HOSTILE = [
    "' OR 1=1 --",
    "a'}) DETACH DELETE n //",
    "$(id)",
    "../../etc/passwd",
    "a#META",
    "T#tenant-02#A#x",
    "x\n",
    "x\x00",
    "ä",
    "%",
    "a" * 129,
    "{id}",
    "*",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE])
def test_a_hostile_id_is_refused_before_any_store_is_asked(host, value, switches):
    from urllib.parse import quote

    hosted = host(switches=switches)
    response = hosted.get("/assets/" + quote(value, safe=""))
    assert response["statusCode"] in {400, 404}
    if response["statusCode"] == 400:
        assert json.loads(response["body"])["error"]["fields"][0]["field"] == "id"
    assert "dynamodb.calls" not in hosted.counted()


def test_an_escaped_id_is_the_same_id(host):
    assert host().get("/assets/" + SHARED_ID.replace(":", "%3A"))["statusCode"] == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([SHARED_ID, "a", "a#b", ""])
BODIES = st.one_of(
    JSON,
    st.fixed_dictionaries({"ids": st.lists(NAMES | JSON, max_size=3)}),
    st.fixed_dictionaries(
        {"assets": st.lists(st.fixed_dictionaries({"id": NAMES, "type": st.just("host"), "name": st.text()}))}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["asset-discovery", "vulnerability-scan", "risk-correlation", "x"]),
            "data": JSON
            | st.fixed_dictionaries({"ids": st.lists(NAMES, max_size=2)})
            | st.fixed_dictionaries({"scope": st.lists(st.text(), max_size=2)}),
        },
        optional={"wait": st.booleans() | JSON},
    ),
).map(json.dumps)
EVENTS = JSON | st.fixed_dictionaries(
    {
        "httpMethod": JSON | st.sampled_from(["GET", "POST"]),
        "path": JSON
        | st.sampled_from(["/assets/x", "/health", "/assets/%ff", "/assets/%00", "/jobs/x"])
        | st.sampled_from(["/assets", "/assets/batch-get", "/jobs"])
        | st.text(),
        "headers": JSON
        | st.dictionaries(st.sampled_from(["Authorization", "accept-encoding", "if-none-match"]), JSON),
    },
    optional={
        "requestContext": JSON,
        "body": JSON | BODIES,
        "isBase64Encoded": st.just(False) | JSON,
        "queryStringParameters": JSON | st.just({"details": ""}),
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=EVENTS, authorised=st.booleans(), switched=st.booleans())
def test_no_event_makes_a_500(one_of_each, event, authorised, switched):
    hosted = one_of_each[switched]
    if authorised and isinstance(event, dict) and isinstance(event.get("headers"), dict):
        event["headers"]["Authorization"] = "Bearer " + hosted.token(role="admin")
    response = hosted.core.handler(event)
    assert response["statusCode"] in {200, 202, 304, 400, 401, 404, 405}
    assert isinstance(response["body"], str)


@pytest.fixture
def one_of_each(host):
    return host(), host(switches=BASELINE)


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


def test_health_needs_no_token_and_names_each_store(host):
    hosted = host(profile=SERVER)
    response = hosted.core.handler(proxy_event("GET", "/health", {}))
    document = json.loads(response["body"])
    assert (response["statusCode"], document["status"]) == (200, "ok")
    assert {store["state"] for store in document["stores"].values()} == {"ok"}
    assert set(document["stores"]) == {"dynamodb", "neo4j", "redis"}


def test_refusals_are_audited_with_the_reason_and_without_the_token(host, caplog):
    hosted = host()
    with caplog.at_level(logging.WARNING, "asset_core.audit"):
        refused = hosted.get(ASSET, token="not.a.token")
        forbidden = hosted.get(ASSET, token=hosted.token(role="nobody"))
    assert (refused["statusCode"], forbidden["statusCode"]) == (401, 403)
    assert refused["headers"]["WWW-Authenticate"] == "Bearer"
    events = [json.loads(record.getMessage()) for record in caplog.records]
    assert [(event["who"], event["outcome"]) for event in events] == [
        ("anonymous", "unauthorised"),
        ("tenant-01/ada", "forbidden"),
    ]
    assert events[0]["what"] == f"GET /assets/{{id}} {SHARED_ID}"
    assert events[0]["source"] == "192.0.2.1"
    assert "malformed" in events[0]["reason"]
    assert "malformed" not in refused["body"]
    assert "not.a.token" not in caplog.text


def test_a_refusal_is_audited_in_a_line_whose_length_callers_do_not_choose(host, caplog):
    hosted = host()
    with caplog.at_level(logging.WARNING, "asset_core.audit"):
        assert hosted.get(f"/assets/{'x' * 5_000}", token="not.a.token")["statusCode"] == 401
    (record,) = caplog.records
    assert json.loads(record.getMessage())["what"] == f"GET /assets/{{id}} {'x' * 128}"


def test_counters_only_grow_and_know_their_operations(host):
    hosted = host()
    assert set(hosted.core.counters()) >= {"GET /assets/{id}", "GET /health"}
    hosted.get(ASSET)
    hosted.core.handler(proxy_event("GET", "/health", {}))
    assert hosted.counted("GET /health")["requests"] == 1
    assert hosted.counted()["requests"] == 1


def test_spans_are_made_when_a_provider_is_configured(host):
    # A provider can be set once per process, so that this runs in a process of its own.
    import subprocess
    import sys

    result = subprocess.run(
        [sys.executable, "-c", SPANS], capture_output=True, text=True, check=True, timeout=60
    )
    names = json.loads(result.stdout)
    assert names[:3] == ["request", "cache.load", "redis.get>cache.load"]
    assert sorted(names[3:-1]) == [
        "dynamodb.asset>cache.load",
        "dynamodb.technologies>cache.load",
        "neo4j.relationships>cache.load",
        "neo4j.risks>cache.load",
    ]
    assert names[-1] == "redis.put"


SPANS = """
import contextlib, json, threading
from opentelemetry import context, trace

made = []
lock = threading.Lock()

class Span(trace.NonRecordingSpan):
    def __init__(self, name):
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.name = name

class Tracer(trace.Tracer):
    def start_span(self, name, *a, **k):
        return Span(name)
    @contextlib.contextmanager
    def start_as_current_span(self, name, *a, **k):
        parent = trace.get_current_span()
        with lock:
            made.append(name if getattr(parent, "name", "request") == "request" else name + ">" + parent.name)
        token = context.attach(trace.set_span_in_context(Span(name)))
        try:
            yield
        finally:
            context.detach(token)

class Provider(trace.TracerProvider):
    def get_tracer(self, *a, **k):
        return Tracer()

trace.set_tracer_provider(Provider())
from targets.core_target import create
import random
target = create(latency_ms="0")
target.open()
made.clear()
target.call(target.make_event("GET /assets/{id}", random.Random(1)))
target.close()
told = list(made)

# What is carried runs under the span it was made in, and leaves the worker's own context as it was.
from targets.asset_core.tracing import Tracing
tracing = Tracing()
with tracing.span("x"):
    carried = tracing.carry(lambda: trace.get_current_span().name)
before = context.get_current()
assert carried() == "x"
assert context.get_current() is before
print(json.dumps(told))
"""


def test_who_is_told_that_a_store_is_missing_is_told_when_to_come_again(host):
    hosted = host()

    def failing(*_arguments):
        raise StoreError("down", where="dynamodb")

    hosted.resources.cache._fetch._queries["dynamodb.asset"] = failing
    response = hosted.get(ASSET)
    assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "1")


def test_a_small_body_is_not_compressed(host):
    hosted = host()
    job = {"kind": "risk-correlation", "data": {"ids": ["none"]}, "wait": True}
    response = hosted.post("/jobs", job, **{"Accept-Encoding": "gzip"})
    assert response["statusCode"] == 200
    assert len(response["body"]) <= 1024
    assert not response["isBase64Encoded"]


@pytest.mark.parametrize(("switches", "sizes"), [("", [50, 20, 20]), ("pooling:off", [None] * 3)])
def test_without_pooling_nothing_is_bounded_by_a_pool(host, switches, sizes):
    hosted = host(profile=SERVER, switches=parse_switches("optimised", switches))
    assert [pool.size for pool in hosted.core.pools()] == sizes
