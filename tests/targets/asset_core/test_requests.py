"""What cannot be asked for is refused: other paths and methods, hostile ids, and events of any shape."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.switches import BASELINE, OPTIMISED
from targets.core_events import proxy_event


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
