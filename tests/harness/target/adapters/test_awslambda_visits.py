"""Users of a Lambda handler log in and go on: proxy events of each version carry what a user saved and its cookies."""

import sys

import pytest

from tests.support.applications import write
from tests.support.visits import TOKEN, check_requests, shop, visitor, walked

SOURCE = f"""
import json
seen = []
def handler(event, context):
    given = event["headers"]
    seen.append({{
        "path": event["path"], "query": "q=t%2F%C3%B6+k%26n" if "q" in (event["queryStringParameters"] or ()) else "a=1",
        "body": (event["body"] or "").encode(), "cookie": given.get("cookie", ""),
        "authorization": given.get("authorization", ""), "length": int(given.get("content-length", 0)),
        "many": event["multiValueHeaders"].get("cookie", [""]),
    }})
    answer = {{"statusCode": 200, "body": json.dumps({{"deep": {{"token": {TOKEN!r}}}}})}}
    if event["path"] == "/login":
        return answer | {{"multiValueHeaders": {{"Set-Cookie": ["sid=1; Path=/", "flash=x; Max-Age=9"]}}}}
    if event["path"] == "/orders/7":
        return answer | {{"headers": {{"Set-Cookie": 'csrf="c"'}}}}
    return answer | {{"headers": {{"Location": "http://localhost/orders/7?a=1"}}, "cookies": ["flash=; Max-Age=0"]}}
"""
V2 = """
import base64, json
seen = []
def handler(event, context):
    seen.append(json.loads(json.dumps(event)))
    event.clear()
    body = base64.b64encode(b'{"n": 5}').decode()
    return {"statusCode": 200, "body": body, "isBase64Encoded": True, "cookies": ["a=1", "b=2; Path=/"]}
"""
PLAIN = """
def handler(event, context):
    if event.get("token", "t") != "t":
        return {"errorType": "ValueError", "errorMessage": "no token"}
    return {"token": event.get("makes", "t"), "list": [1]}
"""


def handled(folder, source, steps=None):
    return shop(folder, f"lambda:{write(folder, source)}:handler", steps)


def test_each_event_of_a_rest_api_has_what_the_user_saved_its_cookies_and_its_values(tmp_path):
    target = handled(tmp_path, SOURCE)
    for _ in range(2):
        assert walked(target) == ["completed"] * 4
        seen = sys.modules["_target_shop"].seen
        check_requests(seen, "ann" if b"ann" in seen[0]["body"] else "bob")
        assert [one["many"] for one in seen] == [[one["cookie"]] for one in seen]
        del seen[:]


def test_cookies_of_version_2_are_a_list_and_each_call_has_an_event_of_its_own(tmp_path):
    event = {"rawPath": "/{user}", "requestContext": {"http": {"method": "GET"}}, "cookies": ["own=1"]}
    steps = [
        {"event": event, "operation": "in", "save": {"n": "$.n"}},
        {"event": event | {"body": "{n}"}, "operation": "on"},
    ]
    target = handled(tmp_path, V2, steps)
    assert [walked(target), walked(target)] == [["completed"] * 2] * 2
    first, second, *_ = sys.modules["_target_shop"].seen
    assert (first["cookies"], second["cookies"], second["body"]) == (["own=1"], ["own=1", "a=1", "b=2"], "5")


def test_any_other_answer_is_the_document_itself(tmp_path):
    steps = [
        {"event": {"user": "{user}"}, "operation": "in", "save": {"token": "$.token"}},
        {"event": {"token": "{token}"}, "operation": "on"},
    ]
    assert walked(handled(tmp_path, PLAIN, steps)) == ["completed"] * 2
    steps[0]["event"]["makes"] = "other"
    assert walked(handled(tmp_path, PLAIN, steps)) == ["completed", "answered errorType ValueError"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("$.nothing", "the body has nothing at $.nothing"),
        ("$.list", "$.list is a list, not a text or number"),
    ],
)
def test_a_step_that_saves_nothing_is_a_failed_call(tmp_path, source, said):
    steps = [{"event": {"user": "{user}"}, "operation": "in", "save": {"token": source}}]
    assert walked(handled(tmp_path, PLAIN, steps)) == [f"could not save 'token', because {said}"]


def test_text_with_quotes_stays_one_text(tmp_path):
    steps = [
        {"event": {"makes": 'a"b\\c\n{user}'}, "operation": "in", "save": {"token": "$.token"}},
        {"event": {"makes": "{token}"}, "operation": "on", "save": {"again": "$.token"}},
    ]
    target = handled(tmp_path, PLAIN, steps)
    user = visitor(target)
    assert walked(target, user) == ["completed"] * 2
    assert user.saved["token"] == user.saved["again"] == 'a"b\\c\nann'
