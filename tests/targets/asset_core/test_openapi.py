"""The document against the OpenAPI specification, and against what the core answers."""

import json
import random

import jsonschema
import pytest
from openapi_spec_validator import validate

from targets.asset_core.errors import StoreError
from targets.asset_core.openapi import make_document
from targets.asset_core.routing import ROUTES
from targets.core_events import proxy_event
from targets.core_target import create
from tests.support.core import failing


@pytest.fixture(scope="module")
def document():
    return make_document()


@pytest.fixture(scope="module")
def target():
    made = create(latency_ms="0")
    made.open()
    yield made
    made.close()


def check(document, route, response):
    """Check an answer against what the document says of its operation and status."""
    operation = document["paths"][route.path][route.method.lower()]
    assert str(response["statusCode"]) in operation["responses"], response
    described = operation["responses"][str(response["statusCode"])]
    if "content" in described:
        schema = described["content"]["application/json"]["schema"] | {"components": document["components"]}
        jsonschema.validate(json.loads(response["body"]), schema)


def test_it_is_a_valid_openapi_document_and_plain_json(document):
    validate(document)
    assert json.loads(json.dumps(document)) == document
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if "idle" in schemas[name].get("properties", {})] == ["PoolView"]
    ids = schemas["BatchGetBody"]["properties"]["ids"]
    assert ids["items"]["pattern"] == "^[A-Za-z0-9._:-]{1,128}$"


def test_it_names_every_route_with_its_permission_and_no_other(document):
    described = {
        (method.upper(), path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert described.keys() == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = described[route.method, route.path]
        assert (operation["security"] == [{"bearer": []}]) is bool(route.permission)
        assert (route.permission or "") in operation.get("description", "")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_every_answer_is_as_the_document_says(document, target, route):
    rng = random.Random(3)
    for _ in range(25):
        event = target.make_event(route.operation, rng)
        event["headers"].pop("Accept-Encoding", None)
        check(document, route, target.call(event))
        if route.method == "POST":
            body = document["paths"][route.path]["post"]["requestBody"]["content"]["application/json"]
            jsonschema.validate(
                json.loads(event["body"]), body["schema"] | {"components": document["components"]}
            )


BODIES = ["", "[]", '{"ids": [5]}', '{"assets": [{}]}', '{"kind": "x", "data": {}}', " " * (6 * 1024**2 + 1)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_every_refusal_is_as_the_document_says(document, host, route):
    hosted = host()
    path = route.path.replace("{id}", "host:x")
    tokens = [hosted.token(role=role) for role in ("admin", "nobody")]
    for token in ["", *(f"Bearer {each}" for each in tokens)]:
        for body in BODIES:
            response = hosted.core.handler(proxy_event(route.method, path, {"Authorization": token}, body))
            check(document, route, response)
    fails = failing(StoreError("down", where="dynamodb"))
    hosted.stores.assets.get_assets = hosted.stores.assets.get_asset = fails
    hosted.stores.assets.get_technology_names = hosted.stores.cache.get = fails
    bodies = ['{"ids": ["a"]}', '{"assets": [{"id": "a", "type": "host", "name": "n"}]}',
              '{"kind": "risk-correlation", "data": {"ids": ["a"]}, "wait": true}']  # fmt: skip
    for body in bodies:
        event = proxy_event(route.method, path, {"Authorization": f"Bearer {tokens[0]}"}, body)
        check(document, route, hosted.core.handler(event))


def details(hosted, token):
    event = proxy_event("GET", "/health", {"Authorization": token})
    return hosted.core.handler(event | {"queryStringParameters": {"details": "1"}})


def test_details_of_health_are_for_those_who_may_write(document, host):
    hosted = host()
    route = next(route for route in ROUTES if route.path == "/health")
    statuses = []
    for token in ("", "Bearer x", *(f"Bearer {hosted.token(role=role)}" for role in ("analyst", "admin"))):
        response = details(hosted, token)
        check(document, route, response)
        statuses.append(response["statusCode"])
    assert statuses == [401, 401, 403, 200]


def test_details_of_health_tell_what_the_process_is_doing(host):
    hosted = host()
    hosted.post(
        "/jobs", {"kind": "risk-correlation", "data": {"ids": ["domain:shared.example"]}, "wait": True}
    )
    hosted.get("/assets/domain:shared.example")
    found = json.loads(details(hosted, f"Bearer {hosted.token(role='admin')}")["body"])
    assert found["status"] == "ok"
    assert {each["name"] for each in found["connections"]} == {"dynamodb", "neo4j", "redis"}
    assert {each["name"]: each["workers"] for each in found["workers"]} == {
        "asset-processing": 10,
        "risk-correlation": 5,
        "security-scanning": 3,
    }
    assert found["local_cache"]["entries"] == 1
    assert found["memory"]["risk-correlation"]["calls"] == 1
    plain = json.loads(hosted.core.handler(proxy_event("GET", "/health", {}))["body"])
    assert plain.keys() == {"status", "stores"}


@pytest.mark.parametrize("query", [None, 5, "details", [], {}])
def test_a_strange_query_asks_for_no_details(host, query):
    event = proxy_event("GET", "/health", {}) | {"queryStringParameters": query}
    assert host().core.handler(event)["statusCode"] == 200
