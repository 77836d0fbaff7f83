"""A HAR file as browsers write it: the application's own requests, and a sentence on the rest."""

import base64
import json

import pytest

from harness.errors import UsageError
from harness.requests.reading import read_requests


def entry(url, method="GET", status=200, headers=(), kind="", post=None):
    sent = {
        "method": method,
        "url": url,
        "headers": [{"name": name, "value": value} for name, value in headers],
    }
    return {
        "_resourceType": kind,
        "request": {**sent, **({"postData": post} if post else {})},
        "response": {"status": status, "content": {"size": 1}},
    }


@pytest.fixture
def of(tmp_path):
    """Return a function from entries to the requests of their HAR file."""

    def read(*entries):
        file = tmp_path / "shop.har"
        file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
        return read_requests(file, None)

    return read


def test_requests_keep_their_headers_but_those_of_the_connection(of):
    headers = [
        (":authority", "shop"),
        ("Cookie", "a=1; b=2"),
        ("Connection", "keep-alive"),
        ("Content-Length", "9"),
        ("X-Y", "{z}"),
    ]
    found = of(entry("https://shop.example/items/7?x=1", headers=headers))
    request = found.templates[0].filled({"z": "no"})
    assert (request.method, request.path, request.query) == ("GET", "/items/7", "x=1")
    assert request.headers == (("host", "shop.example"), ("cookie", "a=1; b=2"), ("x-y", "{z}"))
    assert found.operations == {"GET /items/{id}": 1.0}


def test_only_the_host_of_the_first_page_is_called_and_the_rest_is_named(of):
    found = of(
        entry("https://cdn.example/a.js"),
        entry("https://shop.example/", kind="document"),
        entry("https://shop.example/items"),
        entry("https://cdn.example/b.js"),
        entry("wss://shop.example/live"),
        entry("data:image/png;base64,AAAA"),
    )
    assert list(found.operations) == ["GET /", "GET /items"]
    (note,) = found.notes
    assert note.startswith("2 of 6 recorded requests are used: those to shop.example, not cdn.example (2)")
    assert "data: addresses (1)" in note


@pytest.mark.parametrize(
    ("post", "body"),
    [
        ({"mimeType": "application/json", "text": '{"a": 1}'}, b'{"a": 1}'),
        (
            {"mimeType": "image/png", "text": base64.b64encode(b"\x00\xff").decode(), "encoding": "base64"},
            b"\x00\xff",
        ),
        (
            {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "b c"}]},
            b"a=b+c",
        ),
    ],
)
def test_bodies_are_sent_as_they_were(of, post, body):
    request = of(entry("https://shop.example/", "POST", post=post)).templates[0].filled({})
    assert request.body == body
    assert ("content-type", post["mimeType"]) in request.headers
    assert ("content-length", str(len(body))) in request.headers


def test_a_recorded_client_error_is_expected_again_and_a_server_error_is_not(of):
    found = of(entry("https://a.example/", status=404), entry("https://a.example/x", status=500))
    assert 404 in found.templates[0].expect
    assert 200 in found.templates[0].expect
    assert found.templates[1].expect is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"log": {}}, "missing required field `entries`"),
        ({"log": {"entries": []}}, "has no HTTP request"),
        ({"log": {"entries": [{"request": {"method": "GET"}}]}}, "missing required field `url`"),
    ],
)
def test_a_file_that_is_no_har_is_refused(tmp_path, document, said):
    (tmp_path / "x.har").write_text(json.dumps(document))
    with pytest.raises(UsageError, match=said):
        read_requests(tmp_path / "x.har", None)
    (tmp_path / "x.har").write_text("not JSON")
    with pytest.raises(UsageError, match="This is not JSON"):
        read_requests(tmp_path / "x.har", None)
