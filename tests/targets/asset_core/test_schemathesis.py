"""Schemathesis, made from the OpenAPI document, asks the core by HTTP: every answer is as the document says."""

import contextlib
import warnings

import pytest
import schemathesis
from hypothesis.errors import HypothesisWarning
from schemathesis import engine
from schemathesis.config import SchemathesisConfig

from targets.asset_core.errors import RequestError
from targets.asset_core.openapi import make_document
from targets.asset_core.routing import BATCH_GET, GET_JOB, INGEST, ROUTES, SUBMIT_JOB, make_table
from targets.asset_core.security.permissions import ROLE_PERMISSIONS
from targets.asset_core.switches import BASELINE, OPTIMISED
from tests.support.gateway import Gateway

SEED = 1

find = make_table()


def config(token, examples, *, thorough):
    """Return what makes a run bounded and the same each time."""
    off = {"enabled": False}
    return {
        "seed": SEED,
        "workers": 1,
        "base-url": "http://localhost",
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
        "phases": {
            "coverage": {"enabled": thorough},
            "stateful": {"enabled": thorough, "generation": {"max-examples": 6}},
        },
        # What this check sends cannot be sent to a WSGI application; refusals without a token are asked for below.
        "checks": {"ignored_auth": off},
        "operations": [
            # An asset may be named `batch-get`, so that GET is rightly allowed there.
            {"include-name": "POST /assets/batch-get", "checks": {"allow_header_conformance": off}},
            # What is a domain or a network is more than the document can say.
            {"include-name": "POST /jobs", "checks": {"positive_data_acceptance": off}},
        ],
    }


def failures(hosted, token, examples, *, thorough=False):
    """Return what a run complains of, and all (event, response) that there were."""
    gateway = Gateway(hosted.core.handler)
    document = SchemathesisConfig.from_dict(config(token, examples, thorough=thorough))
    schema = schemathesis.openapi.from_dict(make_document(), config=document)
    schema.app = gateway
    found = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Generating overly large repr", HypothesisWarning)
        for event in engine.from_schema(schema).execute():
            found += complaints_of(event)
    return found, gateway.answers


def complaints_of(event):
    if type(event).__name__ in {"NonFatalError", "FatalError", "Interrupted"}:
        return [str(getattr(event, "value", None) or getattr(event, "exception", event))]
    recorder = getattr(event, "recorder", None)
    checks = [] if recorder is None else [check for each in recorder.checks.values() for check in each]
    return [
        f"{check.name}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"
        for check in checks
        if check.failure_info is not None
    ]


def statuses(answers):
    """Return the statuses of each operation that was asked for."""
    found = {}
    for event, response in answers:
        with contextlib.suppress(RequestError):
            route, _ = find(event["httpMethod"], event["path"])
            found.setdefault(route, set()).add(response["statusCode"])
    return found


@pytest.mark.parametrize(("switches", "examples", "thorough"), [(OPTIMISED, 15, True), (BASELINE, 10, False)])
def test_every_answer_to_an_admin_is_as_the_document_says(host, switches, examples, thorough):
    hosted = host(switches=switches)
    found, answers = failures(hosted, hosted.token(role="admin"), examples, thorough=thorough)
    assert found == []
    seen = statuses(answers)
    for route in ROUTES:
        assert seen[route] & {200, 202} or (route is GET_JOB and not thorough), route
        assert max(seen[route]) < 500, route
    assert 400 in seen[INGEST] & seen[BATCH_GET] & seen[SUBMIT_JOB]
    assert any(response["statusCode"] == 405 for _, response in answers) is thorough


@pytest.mark.parametrize("role", ["viewer", "analyst", "nobody", None])
def test_every_answer_to_others_is_as_the_document_says_and_never_more_than_they_may_have(host, role):
    hosted = host()
    found, answers = failures(hosted, role and hosted.token(role=role), 8)
    assert found == []
    refused = {401} if role is None else {401, 403}
    for route, seen in statuses(answers).items():
        if route.permission is None:
            assert 200 in seen
        elif route.permission in ROLE_PERMISSIONS.get(role, ()):
            assert seen & {200, 202, 404}
        else:
            assert seen <= refused, route
    before = {
        route.operation for route in ROUTES if hosted.core.counters()[route.operation].get("dynamodb.calls")
    }
    assert before <= {
        route.operation for route in ROUTES if route.permission in ROLE_PERMISSIONS.get(role, ())
    }


def test_an_answer_that_is_not_as_the_document_says_is_found(host):
    hosted = host()
    handle = hosted.core.handler

    def broken(event, context):
        response = handle(event, context)
        if response["statusCode"] == 200:
            response["headers"].pop("ETag", None)
        return response

    hosted.core.handler = broken
    found, _ = failures(hosted, hosted.token(role="viewer"), 1)
    assert any("ETag" in each for each in found)
