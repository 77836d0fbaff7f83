"""A server by its URL is a target: its requests are sent as a file has them, and its answers are judged by their status."""

import contextlib
import json
import random

import pytest

from harness.errors import TargetError, UsageError
from harness.model import Engine
from harness.target.loading import make, open_target
from harness.target.renewing import Look, Nature
from harness.target.spec import first_engine, parse_spec
from tests.support.applications import adapted, answer, verdict
from tests.support.scripted import OK, scripted

STATUS = b"HTTP/1.1 %d Whatever\r\ncontent-length: 0\r\n\r\n"


@contextlib.contextmanager
def target_at(url, **parameters):
    target = adapted(url, **parameters)
    open_target(target)
    try:
        yield target
    finally:
        target.close()


def sent(tmp_path, *lines, url="", name="requests.jsonl"):
    """Send the only request of a file, and return its first line, its headers and its body as the server saw them."""
    file = tmp_path / name
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    with scripted(OK) as seen, target_at(f"{seen.url}{url}", requests=str(file)) as target:
        assert verdict(target) == "completed"
        seen.url_seen = seen.url.removeprefix("http://")
    head, _, body = seen.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return first, [tuple(line.split(": ", 1)) for line in lines], body, seen.url_seen


def test_a_url_alone_is_asked_for_as_it_is():
    with scripted(OK) as seen:
        spec = parse_spec(f"{seen.url}/find/7/?q=tea")
        assert spec.is_factory
        with target_at(spec.name, **spec.parameters) as target:
            assert target.operations == {"GET /find/{id}/": 1.0}
            assert target.is_remote
            assert isinstance(answer(target), int)
    host = seen.url.removeprefix("http://")
    assert seen.requests[0].decode().split("\r\n")[:5] == [
        "GET /find/7/?q=tea HTTP/1.1", f"host: {host}", "accept: */*", "accept-encoding: gzip", "user-agent: asset-harness"
    ]  # fmt: skip


def test_a_request_of_a_file_is_sent_below_the_path_of_the_url(tmp_path):
    line = {"method": "POST", "path": "/orders?n=1", "json": {"a": 1}, "headers": {"User-Agent": "me"}}
    first, headers, body, host = sent(tmp_path, line, url="/api/")
    assert first == "POST /api/orders?n=1 HTTP/1.1"
    assert headers == [
        ("host", host), ("user-agent", "me"), ("content-type", "application/json"), ("content-length", "7"),
        ("accept", "*/*"), ("accept-encoding", "gzip"),
    ]  # fmt: skip
    assert body == b'{"a":1}'


def test_a_post_without_a_body_says_that_it_has_none(tmp_path):
    assert ("content-length", "0") in sent(tmp_path, {"method": "POST", "path": "/"})[1]
    assert "content-length" not in dict(sent(tmp_path, {"path": "/"})[1])


def test_a_host_that_a_file_names_is_kept_and_that_of_a_recording_is_not(tmp_path):
    assert sent(tmp_path, {"path": "http://shop.example/x"})[1][0] == ("host", "shop.example")
    entry = {"request": {"method": "GET", "url": "https://shop.example/x", "headers": [{"name": "Host", "value": "shop.example"}]}}  # fmt: skip
    _, headers, _, host = sent(tmp_path, {"log": {"entries": [entry]}}, name="shop.har")
    assert [value for name, value in headers if name == "host"] == [host]


@pytest.mark.parametrize(
    ("status", "expect", "said"),
    [
        (200, None, "completed"),
        (302, None, "completed"),
        (404, None, "404 Not Found"),
        (404, 404, "completed"),
        (200, 404, "200 OK"),
        (503, None, "503 Service Unavailable"),
    ],
)
def test_an_answer_is_judged_by_its_status_and_no_redirect_is_followed(tmp_path, status, expect, said):
    line = {"path": "/"} | ({"expect": expect} if expect else {})
    (tmp_path / "r.jsonl").write_text(json.dumps(line))
    with scripted(STATUS % status) as seen:
        with target_at(seen.url, requests=str(tmp_path / "r.jsonl")) as target:
            assert verdict(target) == said
            assert target.judge.first_byte_ns(answer(target)) > 0
            counted = {"connections": 1, "redirects": 2 * (status == 302)}
            assert target.counters() == {"GET /": counted}
        assert len(seen.requests) == 2


def test_a_head_request_waits_for_no_body(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"method": "HEAD", "path": "/"}')
    with scripted(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n") as seen:
        with target_at(seen.url, requests=str(tmp_path / "r.jsonl")) as target:
            assert [verdict(target) for _ in range(3)] == ["completed"] * 3
        assert seen.connections == 1


def test_an_event_is_shared_by_all_calls(tmp_path):
    """A copy for each call would cost more than the call."""
    assert Look().at(adapted("http://h").make_event("GET /", random.Random(1))) is Nature.SHARED


def test_a_lost_request_is_a_failure_with_its_reason():
    with scripted(lambda *_: False) as seen, target_at(seen.url) as target:
        assert verdict(target) == "the server closed the connection before it answered"
        assert target.judge.first_byte_ns(answer(target)) == 0


def test_a_header_with_a_line_break_is_refused(tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps({"path": "/", "headers": {"x-a": "1\r\nx-b: 2"}}))
    target = adapted("http://127.0.0.1:1", requests=str(tmp_path / "r.jsonl"))
    with pytest.raises(TargetError, match=r"line break.*r\.jsonl:1"):
        target.make_event("GET /", random.Random(1))


def test_a_query_beside_a_file_of_requests_is_refused(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"path": "/"}')
    with pytest.raises(UsageError, match="no parameter 'q' beside requests"):
        make("http://127.0.0.1:1/", {"q": "1", "requests": str(tmp_path / "r.jsonl")})


def test_the_client_runs_under_gevent_or_in_threads_and_says_so():
    assert first_engine("http://h", {}) is Engine.GEVENT
    assert first_engine("https://h", {"engine": "threads"}) is Engine.THREADS
    with pytest.raises(UsageError, match="not under asyncio"):
        first_engine("http://h", {"engine": "asyncio"})
