"""A Lambda handler gets an event and a context, and its answer is judged by its status."""

import json
import random

import pytest

from harness.errors import TargetError
from harness.target.renewing import Look, Nature
from harness.target.spec import kind_and_place
from tests.support.applications import adapted, answer, verdict, write

ECHO = "def handler(event, context):\n    return {'statusCode': event.get('status', 200), 'event': event}\n"


@pytest.fixture
def of(tmp_path):
    """Return a function from source and the lines of requests to the target of the source's `handler`."""

    def make(source, *lines, **parameters):
        path = write(tmp_path, source)
        if lines:
            file = tmp_path / "events.jsonl"
            file.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
            parameters["requests"] = str(file)
        return adapted(f"lambda:{path}:handler", **parameters)

    return make


def test_any_json_is_an_event(of):
    target = of(ECHO, {"Records": [1]}, {"httpMethod": "GET", "path": "/items/7"})
    assert target.operations == {"handler": 1.0, "GET /items/{id}": 1.0}
    assert answer(target, "handler")["event"] == {"Records": [1]}


def test_an_event_may_have_a_name_a_weight_and_an_expected_status(of):
    target = of(ECHO, {"operation": "gone", "weight": 3, "expect": 404, "event": {"status": 404}})
    assert target.operations == {"gone": 3.0}
    assert verdict(target) == "completed"


def test_an_answer_with_another_status_than_expected_has_failed(of):
    assert verdict(of(ECHO, {"expect": 404, "event": {}})) == "answered 200"
    assert verdict(of(ECHO, {"status": 502})) == "answered 502"


def test_a_request_becomes_the_proxy_event_of_an_api(of):
    target = of(ECHO, {"method": "POST", "path": "/items?a=1&a=2", "json": {"x": 1}})
    event = answer(target)["event"]
    assert (event["httpMethod"], event["path"], event["body"]) == ("POST", "/items", '{"x":1}')
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["headers"]["content-type"] == "application/json"


def test_events_are_renewed_if_a_call_changes_them(of):
    target = of(ECHO, {"Records": [1]})
    rng = random.Random(1)
    first, second = target.make_event("handler", rng), target.make_event("handler", rng)
    assert Look().at(first) is Nature.COMPARED
    first[0]["Records"].append(2)
    assert second[0] == {"Records": [1]}


def test_the_context_is_that_of_an_invocation(of):
    target = of(
        """
        def handler(event, context):
            return [
                context.function_name, context.memory_limit_in_mb, context.function_version, context.log_group_name,
                context.invoked_function_arn, context.log_stream_name, context.aws_request_id,
                context.get_remaining_time_in_millis(),
            ]
        """,
        {},
    )
    first, second = answer(target), answer(target)
    assert first[:4] == ["handler", "128", "$LATEST", "/aws/lambda/handler"]
    assert first[4].endswith(":function:handler")
    assert first[6] != second[6]
    assert 0 < first[7] <= 900_000


def test_a_folder_of_events_has_an_operation_for_each_file(tmp_path, of):
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / "put.json").write_text('{"Records": ["{braces}"]}')
    (folder / "get.json").write_text("{}")
    target = of(ECHO, requests=str(folder))
    assert list(target.operations) == ["get", "put"]
    assert answer(target, "put")["event"] == {"Records": ["{braces}"]}


def test_one_event_may_be_a_whole_file(tmp_path, of):
    (tmp_path / "order.json").write_text('{\n  "id": 1\n}\n')
    assert list(of(ECHO, requests=str(tmp_path / "order.json")).operations) == ["order"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (ECHO, "has no events. Give events with requests=FILE"),
        ("async def handler(event, context): pass", "is an async function"),
        ("def handler(event): pass", "cannot be called as handler\\(event, context\\)"),
        ("handler = 1", "not a handler"),
    ],
)
def test_a_handler_that_cannot_be_called_is_refused(of, source, said):
    with pytest.raises(TargetError, match=said):
        of(source)


def test_the_dotted_form_of_aws_names_the_handler(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path, ECHO, "adapted_lambda.py")
    (tmp_path / "e.jsonl").write_text("{}\n")
    target = adapted("lambda:adapted_lambda.handler", requests=str(tmp_path / "e.jsonl"))
    assert verdict(target) == "completed"
    assert kind_and_place("lambda:src/items/get.handler") == ("lambda", "src.items.get:handler")


@pytest.mark.parametrize("spec", ["lambda:handler", "wsgi:app", "call:", "lambda:"])
def test_a_spec_without_a_module_is_refused(spec):
    with pytest.raises(TargetError, match="names no object of a module"):
        adapted(spec)
