"""An ASGI application is called as a server calls it, and its lifespan surrounds all calls."""

import pytest

from harness.errors import TargetError
from harness.target.loading import closing_target, open_target
from tests.support.applications import adapted, answer, verdict, write

START = "await send({'type': 'http.response.start', 'status': 200, 'headers': []})"
BODY = "await send({'type': 'http.response.body', 'body': b'ok'})"


@pytest.fixture
def of(tmp_path):
    """Return a function from the lines of an application to its target."""

    def make(*lines, before="", name="app", requests="", **parameters):
        body = "".join(f"    {line}\n" for line in lines)
        path = write(tmp_path, f"{before}\nlog = []\nasync def app(scope, receive, send):\n{body}")
        if requests:
            file = tmp_path / "requests.jsonl"
            file.write_text(requests)
            parameters["requests"] = str(file)
        return adapted(f"asgi:{path}:{name}", **parameters)

    return make


def log_of(target):
    return target.call.__closure__[0].cell_contents.__globals__["log"]


def test_an_application_runs_in_the_asyncio_engine(of):
    target = of(START, BODY)
    with closing_target(target):
        assert target.is_async
        assert verdict(target) == "completed"


def test_a_request_arrives_as_a_server_gives_it(of):
    target = of(
        "log.append((scope, await receive()))", START, BODY,
        requests='{"method": "PUT", "path": "/a%20b?x=1", "headers": {"X-Y": "z"}, "body": "hi"}',
    )  # fmt: skip
    with closing_target(target):
        answer(target)
    ((scope, message),) = log_of(target)
    assert (scope["type"], scope["method"], scope["path"]) == ("http", "PUT", "/a b")
    assert (scope["raw_path"], scope["query_string"]) == (b"/a%20b", b"x=1")
    assert (b"x-y", b"z") in scope["headers"]
    assert message == {"type": "http.request", "body": b"hi", "more_body": False}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["pass"], "the application returned without starting a response"),
        ([START], "the application returned without finishing its response"),
        ([START, START, BODY], "the application answered twice"),
        ([START, BODY, BODY], "the application answered twice"),
        ([BODY], "the application sent a body before it started the response"),
        ([START.replace("200", "503"), BODY], "503 Service Unavailable"),
        (["await send({'type': 'websocket.accept'})"], "the application sent a message of type 'websocket.accept'"),
        ([START, BODY.replace("}", ", 'more_body': True}"), BODY], "completed"),
    ],
)  # fmt: skip
def test_a_response_is_judged_by_its_status_and_the_protocol(of, lines, said):
    target = of(*lines)
    with closing_target(target):
        assert verdict(target) == said


def test_an_application_that_listens_is_told_of_the_disconnection_after_the_response(of):
    target = of(
        "await receive()",
        "listening = asyncio.ensure_future(receive())",
        "await asyncio.sleep(0)",
        START,
        "log.append(listening.done())",
        BODY,
        "log.append((await listening)['type'])",
        before="import asyncio",
    )
    with closing_target(target):
        assert verdict(target) == "completed"
    assert log_of(target) == [False, "http.disconnect"]


def test_what_an_application_changes_in_its_scope_is_not_there_in_the_next_call(of):
    target = of(
        "log.append('mine' in scope or len(scope['headers']))", "scope['mine'] = 1", "scope['headers'].clear()",
        START, BODY,
    )  # fmt: skip
    with closing_target(target):
        answer(target)
        answer(target)
    assert log_of(target) == [1, 1]


LIFESPAN = """
class App:
    async def __call__(self, scope, receive, send):
        log.append(scope["type"])
        if scope["type"] == "lifespan":
            assert (await receive())["type"] == "lifespan.startup"
            {starting}
            assert (await receive())["type"] == "lifespan.shutdown"
            {ending}
        else:
            log.append(scope["state"]["pool"])
            await send({{"type": "http.response.start", "status": 200, "headers": []}})
            await send({{"type": "http.response.body"}})
log = []
app = App()
"""
STARTING = "scope['state']['pool'] = 7; await send({'type': 'lifespan.startup.complete'})"
ENDING = "log.append('ended'); await send({'type': 'lifespan.shutdown.complete'})"


def lifespan(tmp_path, starting=STARTING, ending=ENDING):
    return adapted(f"asgi:{write(tmp_path, LIFESPAN.format(starting=starting, ending=ending))}:app")


def test_the_lifespan_surrounds_all_calls_and_gives_them_its_state(tmp_path):
    target = lifespan(tmp_path)
    open_target(target)
    with closing_target(target):
        assert [verdict(target), verdict(target)] == ["completed", "completed"]
    log = type(target.call.__closure__[0].cell_contents).__call__.__globals__["log"]
    assert log == ["lifespan", "http", 7, "http", 7, "ended"]


@pytest.mark.parametrize(
    ("starting", "said"),
    [
        ("raise OSError('no database')", "OSError: no database"),
        ("await send({'type': 'lifespan.startup.failed', 'message': 'Traceback\\n  …\\nno disk'})", "no disk"),
    ],
)  # fmt: skip
def test_a_start_that_fails_is_named(tmp_path, starting, said):
    target = lifespan(tmp_path, starting)
    with pytest.raises(TargetError, match=f"start \\(lifespan\\) failed: {said}"):
        open_target(target)
    target.close()


def test_a_shutdown_that_fails_is_named(tmp_path):
    target = lifespan(
        tmp_path, ending="await send({'type': 'lifespan.shutdown.failed', 'message': 'not closed'})"
    )
    open_target(target)
    with (
        pytest.raises(TargetError, match="shutdown \\(lifespan\\) failed: not closed"),
        closing_target(target),
    ):
        pass


@pytest.mark.parametrize(
    "first", ["assert scope['type'] == 'http'", "if scope['type'] != 'http': return", "await receive()"]
)
def test_an_application_without_lifespan_is_called_without_it(of, first):
    target = of(first, START, BODY)
    open_target(target)
    with closing_target(target):
        assert verdict(target) == "completed"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def app(environ, start_response): pass", "is a WSGI application. Write wsgi:"),
        ("def app(): pass", "is a factory of applications"),
        ("app = []", "is an object of class list, not an application"),
        ("class app:\n    def __init__(self, scope, receive, send): pass", "is a class, not an application"),
    ],
)
def test_an_object_that_is_no_application_is_refused(tmp_path, source, said):
    with pytest.raises(TargetError) as caught:
        adapted(f"asgi:{write(tmp_path, source)}:app")
    assert said in str(caught.value)
    assert caught.value.remedy
