"""A WSGI application is called as a server calls it: each way to break the protocol is a failure with its reason."""

import json

import pytest

from harness.errors import RefusedError, TargetError
from harness.target.renewing import Look, Nature
from tests.support.applications import adapted, answer, verdict, write

STARTS = """
def app(environ, start_response):
    start_response("{status}", [])
    return [b"ok"]
"""


@pytest.fixture
def of(tmp_path):
    """Return a function from source and requests to the target of the source's `app`."""

    def make(source, requests=(), name="app", **parameters):
        path = write(tmp_path, source)
        if requests:
            file = tmp_path / "requests.jsonl"
            file.write_text("".join(f"{json.dumps(one)}\n" for one in requests))
            parameters["requests"] = str(file)
        return adapted(f"wsgi:{path}:{name}", **parameters)

    return make


def refusal(of, *args, **kwargs):
    with pytest.raises(TargetError) as caught:
        of(*args, **kwargs)
    assert caught.value.remedy
    return str(caught.value)


def test_without_requests_an_application_gets_one_for_its_root(of):
    target = of(STARTS.format(status="200 OK"))
    assert target.operations == {"GET /": 1.0}
    assert verdict(target) == "completed"


def test_a_request_arrives_as_a_server_gives_it(of):
    target = of(
        """
        import json
        def app(environ, start_response):
            start_response("200 OK", [])
            seen.append({**environ, "body": environ["wsgi.input"].read()})
            return []
        seen = []
        class Target:
            pass
        """,
        [
            {
                "method": "POST",
                "path": "/café/7",
                "query": {"q": "a b", "n": [1, 2]},
                "headers": {"X-One": "1"},
                "json": {"a": 1},
            }
        ],
    )
    answer(target)
    (seen,) = target.call.__closure__[0].cell_contents.__globals__["seen"]
    assert seen["REQUEST_METHOD"] == "POST"
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/café/7"
    assert seen["QUERY_STRING"] == "q=a+b&n=1&n=2"
    assert seen["HTTP_X_ONE"] == "1"
    assert seen["CONTENT_TYPE"] == "application/json"
    assert (seen["CONTENT_LENGTH"], seen["body"]) == ("7", b'{"a":1}')
    assert seen["HTTP_HOST"] == "localhost"


def test_an_application_that_changes_its_environ_does_not_change_the_next_call(of):
    target = of("""
        def app(environ, start_response):
            start_response("500 Changed" if "mine" in environ or not environ["wsgi.input"].read() == b"" else "200 OK", [])
            environ["mine"] = environ.pop("PATH_INFO")
            return []
    """)
    assert [verdict(target), verdict(target)] == ["completed", "completed"]


def test_the_event_is_shared_by_all_calls(of):
    import random

    target = of(STARTS.format(status="200 OK"))
    event = target.make_event("GET /", random.Random(1))
    assert Look().at(event) is Nature.SHARED


@pytest.mark.parametrize(
    ("status", "expect", "said"),
    [
        ("204 No Content", None, "completed"),
        ("404 NOT FOUND", None, "404 Not Found"),
        ("500 Oh", None, "500 Internal Server Error"),
        ("404 Not Found", 404, "completed"),
        ("200 OK", 404, "200 OK"),
        ("201 Created", [200, "201-204"], "completed"),
        ("799 Strange", None, "799"),
        ("strange", None, "the application answered with the status 'strange'"),
    ],
)
def test_a_status_that_is_not_expected_is_a_failure(of, status, expect, said):
    request = {"path": "/", **({"expect": expect} if expect else {})}
    assert verdict(of(STARTS.format(status=status), [request])) == said


def test_expected_statuses_of_the_spec_hold_for_requests_that_expect_nothing(of):
    target = of(STARTS.format(status="404 Not Found"), **{"expect-status": "404"})
    assert verdict(target) == "completed"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return [b'x']", "the application sent a body before it called start_response"),
        ("return []", "the application did not call start_response"),
        ("start('200 OK', []); start('200 OK', []); return []", "the application called start_response twice"),
        ("start('200 OK', []); return ['text']", "a part of the body is str, not bytes"),
        ("start('200 OK', [])", "the application returned NoneType, not the parts of a body"),
        ("start('200 OK', [])(b'written'); return []", "completed"),
        (
            "\n    try: 1/0\n    except ZeroDivisionError: start('500 No', [], sys.exc_info()); return []",
            "500 Internal Server Error: ZeroDivisionError",
        ),
    ],
)  # fmt: skip
def test_a_response_that_breaks_the_protocol_is_a_failure(of, body, said):
    assert verdict(of(f"import sys\ndef app(environ, start):\n    {body}\n")) == said


def test_the_body_is_read_to_its_end_and_closed_inside_the_call(of):
    target = of("""
        class Body:
            def __init__(self): self.log = log
            def __iter__(self):
                for part in (b"a", b"b"):
                    log.append(part)
                    yield part
            def close(self): log.append("closed")
        log = []
        def app(environ, start_response):
            start_response("200 OK", [])
            return Body()
    """)
    assert verdict(target) == "completed"
    assert target.call.__closure__[0].cell_contents.__globals__["log"] == [b"a", b"b", "closed"]


def test_a_body_that_raises_is_closed_and_the_call_raises(of):
    target = of("""
        class Body:
            def __iter__(self):
                raise KeyError("late")
                yield
            def close(self): log.append("closed")
        log = []
        def app(environ, start_response):
            start_response("200 OK", [])
            return Body()
    """)
    with pytest.raises(KeyError, match="late"):
        answer(target)
    assert target.call.__closure__[0].cell_contents.__globals__["log"] == ["closed"]


def test_a_factory_is_called_where_the_spec_says_so(of):
    source = "def app(environ, start):\n    start('200 OK', []); return []\ndef create():\n    return app\n"
    assert verdict(of(source, name="create()")) == "completed"
    said = refusal(of, source, name="create")
    assert "is a factory of applications" in said
    assert "create()" in said


def test_a_factory_that_needs_arguments_is_not_called(of):
    source = "def create(config):\n    raise AssertionError\n"
    assert "missing a required argument: 'config'" in refusal(of, source, name="create()")
    assert "takes (config), not (environ, start_response)" in refusal(of, source, name="create")


def test_a_factory_with_two_arguments_is_recognised_by_what_it_returns(of):
    target = of("def create(config, name):\n    return create\n", name="create")
    with pytest.raises(RefusedError, match="it makes applications"):
        answer(target)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("app = 7", "is an object of class int, not an application"),
        ("async def app(scope, receive, send): pass", "is an ASGI application. Write asgi:"),
        ("def app(one): pass", "takes (one), not (environ, start_response)"),
        ("apps = 7", "has no 'app'. Did you mean 'apps'?"),
    ],
)
def test_an_object_that_is_no_application_is_refused(of, source, said):
    assert said in refusal(of, source)


def test_a_parameter_that_no_application_takes_is_refused(of):
    assert "takes no parameter 'items'" in refusal(of, STARTS.format(status="200 OK"), items="5")


def test_debug_mode_is_noted(of):
    target = of("""
        from flask import Flask
        app = Flask(__name__)
        app.debug = True
        @app.get("/")
        def index(): return "x"
    """)
    (note,) = target.notes
    assert note.startswith("Flask runs in debug mode")
    assert verdict(target) == "completed"
