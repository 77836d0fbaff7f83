"""On real servers: DynamoDB is asked by key alone, no secret is emitted, and tenants are kept apart."""

import contextlib
import functools
import json
import logging
import os
from itertools import chain

import pytest
from botocore.client import BaseClient

from targets.asset_core.stores import dynamo_client
from targets.core_events import proxy_event
from targets.core_target import create
from tests.support.core import counts, sending, sent_asset

pytestmark = pytest.mark.servers


class Spans:
    """A provider that notes all that is said of spans."""

    def __init__(self):
        self.noted = []

    def get_tracer(self, *_arguments, **_options):
        return self

    @contextlib.contextmanager
    def start_as_current_span(self, name, **details):
        self.noted.append(f"{name} {details}")
        try:
            yield
        except BaseException as error:
            self.noted.append(repr(error))
            raise


EVERYTHING = [
    ("GET", "/assets/domain:shared.example", None),
    ("GET", "/assets/host:gone", None),
    ("GET", "/assets/x!", None),
    ("GET", "/health", None),
    ("POST", "/assets", {"assets": [{"id": "host:s", "type": "host", "name": "n"}]}),
    ("POST", "/assets/batch-get", {"ids": ["host:s"]}),
    ("POST", "/jobs", {"kind": "risk-correlation", "data": {"ids": ["host:s"]}, "wait": True}),
    ("POST", "/jobs", {"kind": "risk-correlation", "data": {"ids": ["host:s"]}}),
]


DISCOVERY = {"scope": ["example.com"], "seeds": ["example.com"], "ranges": []}


@pytest.mark.parametrize(
    ("switches", "writes"), [("", {"BatchWriteItem"}), ("batch_writes:off", {"PutItem", "DeleteItem"})]
)
def test_dynamodb_is_asked_by_key_alone_whatever_is_asked_of_the_core(
    settings, seeded, monkeypatch, switches, writes
):
    asked, call = [], BaseClient._make_api_call

    def noted(client, name, arguments):
        asked.append((name, arguments))
        return call(client, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    jobs = [("asset-discovery", DISCOVERY), ("vulnerability-scan", {"ids": ["host:s"]})]
    gone = (
        {"assets": [sent_asset("host:s", technologies=[{"name": "x"}])]},
        {"assets": [sent_asset("host:s")]},
    )
    for send in sending(create(backends="servers", switches=switches)):
        for body in gone:
            assert send("POST", "/assets", body)[0] == 200
        for request in EVERYTHING:
            send(*request)
        for kind, data in jobs:
            assert send("POST", "/jobs", {"kind": kind, "data": data, "wait": True})[0] == 200
    assert {name for name, _ in asked} == {"GetItem", "BatchGetItem", "Query"} | writes
    queries = [arguments for name, arguments in asked if name == "Query"]
    assert {query["KeyConditionExpression"] for query in queries} == {"pk = :pk"}
    assert not {"FilterExpression", "IndexName", "ConsistentRead"}.intersection(chain.from_iterable(queries))


@pytest.mark.parametrize("variant", ["optimised", "baseline"])
def test_no_secret_is_in_anything_that_is_emitted(servers, seeded, caplog, capfd, monkeypatch, variant):
    spans = Spans()
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: spans)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-to-be-kept-secret")
    # boto3 reads credentials once for a session.
    monkeypatch.setattr(dynamo_client, "_session", functools.cache(dynamo_client._session.__wrapped__))
    caplog.set_level(logging.DEBUG)
    target = create(backends="servers", variant=variant)
    target.open()
    issue = target._issuer.token
    tokens = [
        issue("tenant-09", "ada", role=role, use=use)
        for role in ("admin", "nobody")
        for use in ("id", "access")
    ]
    answers = []
    for token in [*tokens, tokens[0] + "x", tokens[0].rpartition(".")[0] + ".AAAA"]:
        for method, path, body in EVERYTHING:
            headers = {"Authorization": f"Bearer {token}"}
            event = proxy_event(method, path, headers, body and json.dumps(body))
            answers.append(target.call(event | {"queryStringParameters": {"details": "1"}}))
    store = target._core._container.resources or None
    health = str(target._core.pools()) + str(target._core.counters()) + repr(store)
    target.close()
    assert {answer["statusCode"] for answer in answers} == {200, 202, 400, 401, 403, 404}
    emitted = "\n".join([caplog.text, *spans.noted, *capfd.readouterr(), str(answers), health])
    assert "asset_core.audit" in emitted
    # A read asks Redis first, where there is a shared cache, and the graph only if tests before have left nothing there.
    assert any(noted.startswith(("redis.", "neo4j.")) for noted in spans.noted)
    assert '"unauthorised":' in emitted
    variables = {name: value for name, value in os.environ.items() if name in SECRETS}
    assert len(variables) == len(SECRETS)
    secrets = [*variables.values(), *(part for token in tokens for part in token.split(".")[1:])]
    assert [secret for secret in secrets if secret in emitted] == []


SECRETS = ("NEO4J_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


HOSTILE_TEXT = "'}) DETACH DELETE n // $id \u0000 \\ `x` {{}} ' OR 1=1 --"


def test_tenants_are_kept_apart_on_the_servers_whatever_their_data_says(seeded, stores, scope, inventory):
    target = create(backends="servers")
    target.open()

    def send(tenant, method, path, body=None, **headers):
        token = target._issuer.token(tenant, "ada", role="admin", use="id")
        headers |= {"Authorization": f"Bearer {token}"}
        response = target.call(proxy_event(method, path, headers, body and json.dumps(body)))
        return response["statusCode"], json.loads(response["body"])

    hostile = sent_asset(
        "host:h",
        name=HOSTILE_TEXT,
        description=HOSTILE_TEXT,
        tags=[HOSTILE_TEXT],
        technologies=[
            {"name": HOSTILE_TEXT, "version": "#META", "vendor": "TECH#x", "category": HOSTILE_TEXT}
        ],
        risks=[{"id": HOSTILE_TEXT, "cve": HOSTILE_TEXT, "cvss": 5.0, "title": HOSTILE_TEXT}],
    )
    nodes, links = counts(stores, scope)
    assert send("tenant-a", "POST", "/assets", {"assets": [hostile]})[1]["written"] == 1
    # One asset, one risk, and what holds them together: nothing else was made or lost.
    assert counts(stores, scope) == (nodes + 2, links + 1)
    shown = send("tenant-a", "GET", "/assets/host:h")[1]
    assert (shown["asset"]["name"], shown["risks"][0]["id"]) == (HOSTILE_TEXT, HOSTILE_TEXT)
    assert shown["technologies"][0]["name"] == HOSTILE_TEXT
    work = {"ids": ["host:h"]}
    status, job = send("tenant-a", "POST", "/jobs", {"kind": "risk-correlation", "data": work, "wait": True})
    assert (status, job["state"]) == (200, "done")
    for other in ("tenant-b", "tenant-a.", "tenant-A"):
        assert send(other, "GET", "/assets/host:h")[0] == 404
        assert send(other, "GET", f"/jobs/{job['id']}")[0] == 404
        results = send(other, "POST", "/assets/batch-get", work)[1]["results"]
        assert results[0]["error"]["code"] == "not_found"
        for kind in ("risk-correlation", "vulnerability-scan"):
            done = send(other, "POST", "/jobs", {"kind": kind, "data": work, "wait": True})[1]
            assert done["result"]["missing"] == ["host:h"]
        risk = hostile["risks"][0] | {"title": "theirs", "cvss": 9.0}
        same = sent_asset("host:h", name="theirs", risks=[risk])
        assert send(other, "POST", "/assets", {"assets": [same]})[0] == 200
        assert send(other, "GET", "/assets/host:h")[1]["asset"]["name"] == "theirs"
    target._core._container.resources.cache.invalidate("tenant-a", ["host:h"], scope)
    again = send("tenant-a", "GET", "/assets/host:h")[1]
    assert again == shown | {"exposure": job["result"]["assets"][0]["exposure"]}
    target.close()
