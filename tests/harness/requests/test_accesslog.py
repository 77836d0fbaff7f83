"""An access log holds requests: each distinct one once, as often as it was logged."""

import json

import pytest

from harness.errors import UsageError
from harness.requests.reading import holds_requests, read_requests

LINE = '127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "{} HTTP/1.1" {} 12 "-" "agent"'
LOG = "\n".join(
    [
        LINE.format("GET /items/7?q=a%20b", 200),
        LINE.format("GET /items/8", 404),
        LINE.format("GET /items/7?q=a%20b", 200),
        LINE.format("POST /orders", 201),
        '127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "\\x16\\x03\\x01" 400 0 "-" "-"',
        LINE.format("GET /a{b}", 200),
        "",
    ]
)


def read(tmp_path, text=LOG):
    path = tmp_path / "access.log"
    path.write_text(text)
    return read_requests(path, None)


def test_each_distinct_request_weighs_as_many_lines_as_it_has(tmp_path):
    requests = read(tmp_path)
    assert requests.operations == {"GET /items/{id}": 3.0, "POST /orders": 1.0, "GET /a{b}": 1.0}
    first = requests.templates[0]
    assert (first.weight, first.where) == (2.0, f"{tmp_path / 'access.log'}:1")
    filled = first.filled({})
    assert (filled.method, filled.path, filled.query) == ("GET", "/items/7", "q=a%20b")
    assert requests.templates[3].filled({}).path == "/a%7Bb%7D", "braces in a log are no placeholders"


def test_a_client_error_that_was_logged_is_expected_again(tmp_path):
    requests = read(tmp_path)
    assert [one.expect is not None and 404 in one.expect for one in requests.templates] == [False, True, False, False]  # fmt: skip
    assert 403 not in requests.templates[1].expect


def test_what_a_log_lacks_is_said(tmp_path):
    assert read(tmp_path).notes == ("1 of 5 logged requests are sent without a body: no access log has it",)
    assert read(tmp_path, LINE.format("GET /", 200)).notes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LINE.format("GET /", 200) + "\nnot a line", "line of an access log.*access.log:2"),
        (LINE.replace("{} HTTP/1.1", "-").replace("{}", "400"), "no request of HTTP"),
    ],
)
def test_what_is_no_log_of_requests_is_refused(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        read(tmp_path, text)


def test_a_recording_of_requests_is_told_from_a_trace(tmp_path):
    path = tmp_path / "file"
    for text, holds in (
        (LOG, True), (json.dumps({"log": {"entries": []}}), True), ('{"time": 0}\n{"time": 1}', False), ("0,a\n1,b", False), ("{", False)
    ):  # fmt: skip
        path.write_text(text)
        assert holds_requests(path) is holds
    assert not holds_requests(tmp_path / "missing")
    assert not holds_requests(tmp_path)
