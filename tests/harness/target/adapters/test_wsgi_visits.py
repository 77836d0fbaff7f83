"""Users of a WSGI application log in and go on: what a user saved, its cookies and its values are in its later requests."""

import dataclasses
import sys

import pytest

from harness.errors import RefusedError
from harness.model import Outcome
from harness.target.failures import Failures
from tests.support.applications import write
from tests.support.visits import ENCODED, TOKEN, called_for, check_requests, shop, visitor, walked

SOURCE = f"""
import json
seen = []
def app(environ, start_response):
    path = environ["PATH_INFO"].encode("latin-1").decode()
    seen.append({{
        "path": path, "query": environ["QUERY_STRING"], "body": environ["wsgi.input"].read(), "cookie": environ.get("HTTP_COOKIE", ""),
        "authorization": environ.get("HTTP_AUTHORIZATION", ""), "length": int(environ.get("CONTENT_LENGTH", 0)),
    }})
    headers = {{
        "/login": [("Set-Cookie", "sid=1; Path=/"), ("set-cookie", "flash=x; Max-Age=9")],
        "/orders/7": [("Set-Cookie", 'csrf="c"')],
    }}.get(path, [("Location", "http://localhost/orders/7?a=1"), ("Set-Cookie", "flash=; Max-Age=0")])
    start_response("200 OK", headers)
    return [b'{{"deep": ', json.dumps({{"token": {TOKEN!r}}}).encode(), b"}}"]
"""


@pytest.fixture
def target(tmp_path):
    return shop(tmp_path, f"wsgi:{write(tmp_path, SOURCE)}:app")


def test_each_request_has_what_the_user_saved_its_cookies_and_its_values(target):
    names = set()
    for _ in range(4):
        assert walked(target) == ["completed"] * 4
        seen = sys.modules["_target_shop"].seen
        names.add(seen[0]["body"])
        check_requests(seen, "ann" if b"ann" in seen[0]["body"] else "bob")
        del seen[:]
    assert len(names) == 2, "users take the rows in turn"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("b'{}'", "could not save 'token', because the body has nothing at $.deep.token"),
        ("b'<html>'", "could not save 'token', because the body is not JSON"),
        ("b''", "could not save 'token', because the body is not JSON"),
        ("b'\\xff'", "could not save 'token', because the body is not JSON"),
    ],
)
def test_a_step_that_saves_nothing_is_a_failed_call(tmp_path, answer, said):
    source = f"def app(environ, start):\n    start('200 OK', [])\n    return [{answer}]\n"
    assert walked(shop(tmp_path, f"wsgi:{write(tmp_path, source)}:app")) == [said]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("header:Location", "the response has no header 'location'"),
        ("cookie:sid", "the user has no cookie 'sid'"),
    ],
)
def test_a_header_and_a_cookie_that_are_missing_are_named(tmp_path, source, why):
    app = write(tmp_path, "def app(environ, start):\n    start('200 OK', [])\n    return []\n")
    (said,) = walked(shop(tmp_path, f"wsgi:{app}:app", [{"path": "/{user}", "save": {"x": source}}]))
    assert said == f"could not save 'x', because {why}"


def test_headers_that_are_no_list_are_the_applications_fault(tmp_path):
    app = write(tmp_path, "def app(environ, start):\n    start('200 OK', None)\n    return []\n")
    assert walked(shop(tmp_path, f"wsgi:{app}:app")) == [
        "the application gave start_response NoneType, not a list of headers"
    ]


def test_a_failed_step_saves_nothing_and_has_its_status_as_reason(tmp_path):
    app = write(tmp_path, "def app(environ, start):\n    start('401 No', [])\n    return [b'{}']\n")
    assert walked(shop(tmp_path, f"wsgi:{app}:app")) == ["401 Unauthorized"]


def test_a_step_may_expect_a_failure_and_share_its_operation_with_another(tmp_path):
    source = "def app(environ, start):\n    start('200 OK' if environ['PATH_INFO'] == '/a' else '404 No', [])\n    return []\n"
    steps = [
        {"operation": "see", "path": "/a", "headers": {"user": "{user}"}, "pause": 0},
        {"operation": "see", "path": "/b", "expect": 404},
    ]
    target = shop(tmp_path, f"wsgi:{write(tmp_path, source)}:app", steps)
    assert (walked(target), target.operations) == (["completed"] * 2, {"see": 2.0})


def test_a_call_outside_of_the_journeys_order_is_refused(target):
    with pytest.raises(RefusedError, match=r"'POST \{next\}' was called outside of its journey"):
        called_for(target, visitor(target), "POST {next}")


def test_a_message_of_a_call_hides_what_its_user_has_saved(target):
    user = visitor(target)
    assert walked(target, user) == ["completed"] * 4
    assert user.hide(f"no {TOKEN} for csrf, {ENCODED}") == "no [redacted] for csrf, [redacted]"


def test_a_failures_example_hides_what_its_user_has_saved_and_the_secrets_of_its_row(tmp_path):
    source = """
        def app(environ, start):
            start("200 OK", [("Set-Cookie", "session=cookie-98765")])
            if environ["PATH_INFO"] == "/end":
                raise KeyError(f"{environ['HTTP_X_ALL']} {environ['HTTP_COOKIE']} " + "x" * 200)
            return [b'{"token": "token-12345"}']
        """
    steps = [
        {"path": "/login", "save": {"token": "$.token"}},
        {"path": "/end", "headers": {"X-All": "{token} {password} of {user}"}},
    ]
    target = shop(
        tmp_path, f"wsgi:{write(tmp_path, source)}:app", steps, "user,password\nanna-maria,secret-43210\n"
    )
    failures = Failures()

    def fail(event):
        try:
            target.call(event)
        except KeyError as error:
            failures.raised(error)
            failures.count(1, Outcome.FAILED, 0)

    failing = dataclasses.replace(target, call=fail)
    walked(failing)
    (failure,) = failures.found(["GET /login", "GET /end"])
    assert failure.example.startswith("'[redacted] [redacted] of anna-maria session=[redacted] xxx")
