"""What a core tells those who watch it: health, the audit log, counters, pools and spans."""

import json
import logging

import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.profiles import SERVER
from targets.asset_core.switches import parse_switches
from targets.core_events import proxy_event

ASSET = f"/assets/{SHARED_ID}"


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


@pytest.mark.parametrize(("switches", "sizes"), [("", [50, 20, 20]), ("pooling:off", [None] * 3)])
def test_without_pooling_nothing_is_bounded_by_a_pool(host, switches, sizes):
    hosted = host(profile=SERVER, switches=parse_switches("optimised", switches))
    assert [pool.size for pool in hosted.core.pools()] == sizes
