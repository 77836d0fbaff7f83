"""Users of a server log in and go on: what a user saved, its cookies and its values are in its later requests."""

import gzip
import json
import urllib.parse
import zlib

import pytest

from harness.target.loading import open_target
from tests.support.scripted import scripted
from tests.support.visits import TOKEN, check_requests, shop, walked

BODY = json.dumps({"deep": {"token": TOKEN}}).encode()
HEADERS = {
    "/login": ["Set-Cookie: sid=1; Path=/", "set-cookie: flash=x; Max-Age=9"],
    "/orders/7": ['Set-Cookie: csrf="c"'],
}
ELSE = ["Location: http://localhost/orders/7?a=1", "Set-Cookie: flash=; Max-Age=0"]
PACKED = {
    "": lambda body: body,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


def understood(request):
    """Return a request as the other adapters' applications note it."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    path, _, query = first.split(" ")[1].partition("?")
    return {
        "path": urllib.parse.unquote(path), "query": query, "body": body, "cookie": headers.get("cookie", ""),
        "authorization": headers.get("authorization", ""), "length": int(headers.get("content-length", 0)),
    }  # fmt: skip


def answering(packed="", body=BODY):
    def answer(sock, request, _number):
        content = PACKED[packed](body)
        headers = [*HEADERS.get(understood(request)["path"], ELSE), f"content-length: {len(content)}"]
        if packed:
            headers.append(f"Content-Encoding: {packed}")
        sock.sendall("\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode() + content)

    return answer


@pytest.mark.parametrize("packed", PACKED)
def test_each_request_has_what_the_user_saved_its_cookies_and_its_values(tmp_path, packed):
    with scripted(answering(packed)) as seen:
        target = shop(tmp_path, seen.url)
        open_target(target)
        names = set()
        for _ in range(4):
            assert walked(target) == ["completed"] * 4
            found = [understood(one) for one in seen.requests]
            names.add(found[0]["body"])
            check_requests(found, "ann" if b"ann" in found[0]["body"] else "bob")
            seen.requests.clear()
        target.close()
        assert len(names) == 2, "users take the rows in turn"
        assert seen.connections == 1, "and share the connections"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "could not save 'token', because the body has nothing at $.deep.token"),
        (b"<html>", "could not save 'token', because the body is not JSON"),
    ],
)
def test_a_step_that_saves_nothing_is_a_failed_call(tmp_path, body, said):
    with scripted(answering(body=body)) as seen:
        target = shop(tmp_path, seen.url)
        open_target(target)
        assert walked(target) == [said]
        target.close()


def test_a_saved_value_that_no_header_can_hold_is_a_failed_call_that_was_not_sent(tmp_path):
    body = json.dumps({"deep": {"token": "a\r\nx-b: 1"}}).encode()
    with scripted(answering(body=body)) as seen:
        target = shop(tmp_path, seen.url)
        open_target(target)
        assert walked(target) == ["completed", "not sent: a header has a line break"]
        target.close()
        assert len(seen.requests) == 1


def test_a_step_without_a_response_ends_the_journey(tmp_path):
    answer = answering()
    with scripted(lambda sock, request, number: answer(sock, request, number) if b"/login" in request else False) as seen:  # fmt: skip
        target = shop(tmp_path, seen.url)
        open_target(target)
        assert walked(target)[1:] == [
            "the server closed the kept-alive connection while the request was sent"
        ]
        target.close()
