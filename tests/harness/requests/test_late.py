"""What waits for saved values is filled as a request whose values were all known would be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.requests.late import LateRequest, marks
from harness.requests.template import Draft, Template

NAMES = ["id", "token"]
DRAFTS = [
    Draft(path="/items/{id}/x{token}", query="q={id}&t={token}"),
    Draft(headers=(("Authorization", "Bearer {token}"), ("X-Both", "{id}{token}"))),
    Draft(method="POST", body={"deep": ["{id}", {"t": "a {token} b"}], "n": 1}, is_json=True),
    Draft(
        method="POST", body="t={token}&x=1", headers=(("Content-Type", "application/x-www-form-urlencoded"),)
    ),
    Draft(method="POST", body="plain {token}", headers=(("Content-Length", "3"),)),
    Draft(path="/{id}", query=(("a", "{token}"), ("b", "2")), headers=(("Host", "{id}.example"),)),
    Draft(path="/plain", query="a=1", headers=(("X", "y"),), body="z"),
]


def late_of(draft, saved):
    template = Template(where="", operation="x", draft=draft)
    return LateRequest(template, template.filled(marks(NAMES)), NAMES).filled(saved)


@pytest.mark.parametrize("draft", DRAFTS, ids=range(len(DRAFTS)))
@given(first=st.text(st.characters(codec="utf-8")), second=st.text(st.characters(codec="utf-8")))
def test_a_late_value_is_encoded_as_an_early_one(draft, first, second):
    saved = {"id": first, "token": second}
    assert late_of(draft, saved) == draft.filled(saved)


def test_a_saved_value_is_not_read_again():
    headers = dict(late_of(DRAFTS[1], {"id": "{token}", "token": "{id}"}).headers)
    assert (headers["authorization"], headers["x-both"]) == ("Bearer {id}", "{token}{id}")


@pytest.mark.parametrize(
    ("address", "path", "query"),
    [
        ("/orders/7", "/orders/7", ""),
        ("/orders/7?x=1&y=%20", "/orders/7", "x=1&y=%20"),
        ("http://localhost:80/orders/a%20b?x=1", "/orders/a%20b", "x=1"),
        ("orders/7", "/orders/7", ""),
        ("http://localhost", "/", ""),
    ],
)
def test_a_path_that_is_one_saved_value_is_an_address(address, path, query):
    request = late_of(Draft(path="{id}"), {"id": address, "token": ""})
    assert (request.path, request.query) == (path, query)


def test_nothing_waits_in_a_request_without_saved_values():
    template = Template(where="", operation="x", draft=DRAFTS[-1])
    late = LateRequest(template, template.filled(marks(NAMES)), NAMES)
    assert not late.waits
    assert late.filled({}) == DRAFTS[-1].filled({})
