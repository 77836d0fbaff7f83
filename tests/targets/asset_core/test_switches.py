"""No switch changes what the core answers, times and new names aside."""

import base64
import dataclasses
import gzip
import itertools
import json
import random

import pytest

from targets.asset_core.routing import ROUTES
from targets.asset_core.switches import BASELINE, OPTIMISED, Switches
from targets.core_target import create

VOLATILE = {
    "processed_at",
    "latency_ms",
    "checked_at_s",
    "last_error_at_s",
    "found_at",
    "first_seen",
    "last_seen",
}
NAMES = [field.name for field in dataclasses.fields(Switches)]
VARYING = {"Content-Encoding", "Content-Length", "X-Fetched-At"}
"""Headers of the form and the time of an answer."""


def plain(value):
    """Return a document without what is a matter of time."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name not in VOLATILE}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def decoded(response):
    body = response["body"]
    if response["isBase64Encoded"]:
        assert response["headers"]["Content-Encoding"] == "gzip"
        body = gzip.decompress(base64.b64decode(body)).decode()
    return plain(json.loads(body)) if body else body


def refused(target, rng):
    """Requests of every kind that is not answered with what it asks for."""
    read, write, submit = (
        target.make_event(name, rng) for name in ("GET /assets/{id}", "POST /assets", "POST /jobs")
    )
    viewer = read["headers"]["Authorization"]
    tag = target.call(read)["headers"].get("ETag", "*")
    yield read | {"headers": read["headers"] | {"If-None-Match": tag}}
    for token in ("", "Basic abc", "Bearer a.b.c", viewer[:-4] + "AAAA", viewer + "."):
        yield read | {"headers": {"Authorization": token}}
    for path in ("/assets/host:none", "/assets/a%23META", "/assets/" + "x" * 129, "/nothing", "/assets/a/b"):
        yield read | {"path": path}
    yield write | {"headers": write["headers"] | {"Authorization": viewer}}
    yield submit | {"headers": submit["headers"] | {"Authorization": viewer}}
    yield read | {"httpMethod": "DELETE"}
    asset = json.loads(write["body"])["assets"][0]
    for body in (
        None, "", "{", "[]", '{"assets":[]}', json.dumps({"assets": [asset | {"criticality": 9, "id": "a b"}]}),
        json.dumps({"assets": [asset], "colour": 1}), "[" * 40 + "]" * 40, "x" * (6 * 1024 * 1024 + 1),
    ):  # fmt: skip
        yield write | {"body": body}
    for body in ('{"kind":"none","data":{}}', '{"kind":"risk-correlation","data":{"ids":[]}}'):
        yield submit | {"body": body}
    yield write | {"path": "/assets/batch-get", "body": '{"ids":["host:none","domain:shared.example"]}'}
    yield submit | {"httpMethod": "GET", "path": "/jobs/none"}
    yield {}


def answers(switches):
    """Return what a core answers to the same requests: of each operation twice, and those that are refused."""
    changes = ",".join(f"{name}:{'on' if getattr(switches, name) else 'off'}" for name in NAMES)
    target = create(latency_ms="0", switches=changes)
    target.open()
    rng = random.Random(11)
    events = [
        (route.operation, target.make_event(route.operation, rng))
        for route in (*ROUTES, *ROUTES)
        for _ in range(8)
    ]
    found = []
    for operation, event in itertools.chain(events, (("refused", event) for event in refused(target, rng))):
        response = target.call(event)
        document = decoded(response)
        if operation == "POST /jobs":
            del document["id"]
        headers = {name: text for name, text in response["headers"].items() if name not in VARYING}
        if len(found) >= len(events) // 2:
            # Scans have been done: when they found something is in the content, and with it in the tag.
            headers.pop("ETag", None)
        found.append((operation, response["statusCode"], headers, document))
    target.close()
    return found


@pytest.fixture(scope="module")
def expected():
    return answers(OPTIMISED)


def test_the_requests_are_of_every_route_and_of_every_kind_of_answer(expected):
    assert {operation for operation, *_ in expected} == {route.operation for route in ROUTES} | {"refused"}
    statuses = {status for operation, status, *_ in expected if operation == "refused"}
    assert statuses == {200, 304, 400, 401, 403, 404, 405, 413}


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_no_switch_changes_an_answer_of_any_operation(expected, name):
    switches = BASELINE if name == "all" else dataclasses.replace(OPTIMISED, **{name: False})
    assert answers(switches) == expected
