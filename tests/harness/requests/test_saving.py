"""A value is saved from where its source says, as text; each source that finds nothing says why."""

import pytest

from harness.errors import UsageError
from harness.redaction.redact import redact_text
from harness.requests.saving import read_saves

DOCUMENT = {
    "token": "abc", "n": 7, "big": 12345678901234567890, "half": 0.5, "yes": True, "none": None, "empty": "",
    "items": [{"id": 1}, {"id": {"deep": "x"}}], "a b": {"c-d": "y"}, "0": "zero",
}  # fmt: skip


def found(source, document=DOCUMENT):
    (save,) = read_saves({"x": source}, "here")
    return save.of_json(document)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$.token", "abc"), ("$.n", "7"), ("$.big", "12345678901234567890"), ("$.half", "0.5"), ("$.yes", "true"),
        ("$.items[0].id", "1"), ("$.items[1].id.deep", "x"), ("$['a b'].c-d", "y"), ("$.0", "zero"),
    ],
)  # fmt: skip
def test_a_path_leads_to_a_text_or_number(source, value):
    assert found(source) == (value, "")


def test_the_whole_document_may_be_the_value():
    assert found("$", "abc") == ("abc", "")
    assert found("$[1]", ["a", "b"]) == ("b", "")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("$.nothing", "the body has nothing at $.nothing"), ("$.none", "the body has nothing at $.none"), ("$.items[2].id", "the body has nothing at"),
        ("$.items.id", "the body has nothing at"), ("$.token[0]", "the body has nothing at"), ("$.items", "$.items is a list, not a text"),
        ("$", "$ is an object, not a text"), ("$.empty", "$.empty is empty"),
    ],
)  # fmt: skip
def test_a_path_that_leads_to_nothing_says_why_without_the_body(source, why):
    value, reason = found(source)
    assert value == ""
    assert reason.startswith(f"could not save 'x', because {why}")
    assert redact_text(reason) == reason


@pytest.mark.parametrize(
    "source",
    ["$..id", "$.items[*]", "$.items[-1]", "$.items[0:2]", "$.items[?(@.id)]", "$.", "token", "", "header:", "cookie:", "body:$.x"],
)  # fmt: skip
def test_any_other_source_is_refused_and_what_there_is_is_named(source):
    with pytest.raises(UsageError, match=r'\$\.items\[0\]\.id, or .* after "header:" or "cookie:"') as caught:
        found(source)
    assert redact_text(str(caught.value)) == str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "1a", "{a}", "é"])
def test_a_name_that_no_placeholder_can_have_is_refused(name):
    with pytest.raises(UsageError, match="cannot be the name of a saved value"):
        read_saves({name: "$.x"}, "here")


def test_header_and_cookie_are_sources():
    one, other = read_saves({"at": "header: Location", "csrf": "cookie:csrftoken"}, "here")
    assert (one.header, one.path, other.cookie, other.path) == ("location", None, "csrftoken", None)
