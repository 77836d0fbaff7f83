"""A file with `save` or `pause` is a journey: its lines are checked as steps, each wrong one named with a remedy."""

import json

import pytest

from harness.errors import UsageError
from harness.redaction.redact import redact_text
from harness.requests.reading import Kind, read_requests

LOGIN = {"method": "POST", "path": "/login", "json": {"user": "{user}"}, "save": {"token": "$.access_token"}}
ITEMS = {"path": "/items", "headers": {"authorization": "Bearer {token}"}, "pause": "500ms"}
USERS = "user\nann\nbob\n"


@pytest.fixture
def of(tmp_path):
    """Return a function from lines and values to the requests of such a file."""

    def read(*lines, values="", kind=Kind.HTTP):
        file = tmp_path / "journey.jsonl"
        file.write_text("\n".join(json.dumps(line) for line in lines))
        if values:
            (tmp_path / "users.csv").write_text(values)
        return read_requests(file, tmp_path / "users.csv" if values else None, kind, "handler")

    return read


def refusal(of, *lines, **kwargs):
    with pytest.raises(UsageError) as caught:
        of(*lines, **kwargs)
    assert caught.value.remedy
    return f"{caught.value}"


def test_one_line_with_save_or_pause_makes_the_file_a_journey(of):
    found = of(LOGIN, ITEMS, values=USERS)
    assert found.is_journey
    assert [(one.operation, one.pause_s) for one in found.templates] == [
        ("POST /login", None),
        ("GET /items", 0.5),
    ]
    assert not of({"path": "/"}, {"path": "/items"}).is_journey
    assert of({"path": "/", "pause": 0}).is_journey
    assert of({"path": "/", "save": {}}).is_journey


@pytest.mark.parametrize(("pause", "seconds"), [(2, 2.0), (0.25, 0.25), ("1m30s", 90.0), (0, 0.0)])
def test_a_pause_is_a_number_of_seconds_or_a_duration(of, pause, seconds):
    (step,) = of({"path": "/", "pause": pause}).templates
    assert step.pause_s == seconds


@pytest.mark.parametrize("pause", ["5 minutes", "", -1, 86_401, True, [1], float("inf")])
def test_any_other_pause_is_refused_with_its_line(of, pause):
    assert "journey.jsonl:2" in refusal(of, {"path": "/"}, {"path": "/", "pause": pause})


def test_a_step_has_no_weight(of):
    words = refusal(of, LOGIN, {**ITEMS, "weight": 1}, values=USERS)
    assert "journey.jsonl:2" in words
    assert "Remove the weight" in words


def test_a_placeholder_is_saved_before_or_a_column_else_its_line_is_refused(of):
    words = refusal(of, LOGIN, ITEMS)
    assert "The placeholder {user} has no value in this step" in words
    assert "journey.jsonl:1" in words
    assert "values=FILE.csv with a column 'user'" in words
    words = refusal(of, ITEMS, LOGIN, values=USERS)
    assert redact_text(words) == words, "no part of it looks like a secret"
    assert "it is saved only at" in words
    assert "journey.jsonl:1)" in words
    assert "{other}" in refusal(of, LOGIN, {"path": "/", "json": {"deep": ["{other}"]}}, values=USERS)


def test_braces_with_a_space_are_no_placeholder(of):
    assert of(
        LOGIN, {"path": "/graphql", "method": "POST", "body": "query { viewer { login } }"}, values=USERS
    )


def test_a_path_may_be_an_address_that_was_saved_and_nothing_else(of):
    order = {"method": "POST", "path": "/orders", "save": {"location": "header:Location"}}
    assert of(order, {"path": "{location}"}).templates[1].operation == "GET {location}"
    assert "has no value in this step" in refusal(of, {"path": "{location}", "save": {}}, order)
    assert "does not begin with a slash" in refusal(of, {"path": "{location}"}, values="location\n/a\n")


def test_events_of_a_handler_may_be_steps_and_arguments_of_a_function_not(of):
    steps = ({"event": {"a": 1}, "save": {"id": "$.id"}}, {"event": {"b": "{id}"}, "pause": 1})
    assert of(*steps, kind=Kind.EVENTS).is_journey
    words = refusal(of, *steps, kind=Kind.ARGUMENTS)
    assert "A function has no journey" in words
    assert "make_user" in words


def test_an_argument_named_save_is_an_argument(of):
    assert not of({"save": True, "pause": 5}, kind=Kind.ARGUMENTS).is_journey
