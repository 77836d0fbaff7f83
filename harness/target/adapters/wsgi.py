"""Call a WSGI application in-process, as a server does after it has read a request (PEP 3333).

The environ of each distinct request is built once and copied for each call. The body is iterated to its end and closed
inside the call. A call returns None, or `Rejected` if the response is a failure or breaks the protocol; it raises the
exception that the framework has turned into such a response, where the framework tells it.
"""

import functools
import io
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import RefusedError
from harness.requests.template import Request, Template
from harness.table.traces import HEADER
from harness.target.adapters.asked import Adapted, Asked, Events
from harness.target.adapters.hidden_errors import KEY, hear
from harness.target.adapters.web import Rejected, check_application, debug_notes, judge_responses, with_phrase

Event = tuple[Callable[[], dict[str, Any]], bytes, frozenset[int], Callable[[], "Response"]]
"""A function that returns a new environ, the body of the request, the expected statuses, and what takes the response."""
Call = Callable[[Event], Rejected | None]
TRACEPARENT = f"HTTP_{HEADER.upper()}"
"""Key of the header `traceparent` in an environ."""
_UNPREFIXED = ("content-type", "content-length")
_MOST_STATUSES = 1_000


class WsgiTarget(Adapted):
    """A target that calls one application; its events are requests."""

    def __init__(self, asked: Asked) -> None:
        requests = asked.read_requests()
        events = Events(
            requests, lambda template, holes: _event(template, holes, asked.expected), shared=True
        )
        self.operations = events.operations
        self.make_event = events.make
        self.judge = judge_responses(asked.expected, requests)
        self.notes = debug_notes(asked.application)
        self.remarks = requests.notes
        self.requests = requests
        self.call = _caller(asked.text, asked.application)
        hear()

    @staticmethod
    def with_traceparent(event: Event, value: str) -> Event:
        """Return the event with this header."""
        make_environ, body, expected, make_response = event
        return functools.partial(_environ_with, make_environ, value), body, expected, make_response


def adapt(asked: Asked) -> WsgiTarget:
    """Return the target. Raises `UsageError` for an object that is no application, and for unusable requests."""
    asked.refuse_parameters()
    check_application(asked.text, asked.application, "wsgi", ("environ", "start_response"))
    return WsgiTarget(asked)


def _environ_with(make_environ: Callable[[], dict[str, Any]], traceparent: str) -> dict[str, Any]:
    return {**make_environ(), TRACEPARENT: traceparent}


def _event(template: Template, holes: Mapping[str, str], expected: frozenset[int]) -> Event:
    request = template.filled(holes)
    # A bound method of a dictionary and bytes are immutable data to the pool of events: nothing is copied between calls.
    return (
        environ_of(request).copy,
        request.body,
        expected if template.expect is None else template.expect,
        Response,
    )


def environ_of(request: Request) -> dict[str, Any]:
    """Return the environ of a request, without `wsgi.input`."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        before = f"{headers[name]}{'; ' if name == 'cookie' else ','}" if name in headers else ""
        headers[name] = f"{before}{value}"
    host, _, port = headers.get("host", "localhost").partition(":")
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        **target_keys(request.path, request.query),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{
            (name if name in _UNPREFIXED else f"http_{name}").replace("-", "_").upper(): value
            for name, value in headers.items()
        },
    }


def target_keys(path: str, query: str) -> dict[str, str]:
    """Return the keys of an environ that hold the path and the query of a request."""
    uri = f"{path}?{query}" if query else path
    return {
        # As PEP 3333 has it: bytes, each as one character.
        "PATH_INFO": urllib.parse.unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": uri,
        "RAW_URI": uri,
    }


class Response:
    """Facts that the application tells the server about one response."""

    __slots__ = ("error", "fault", "has_begun", "skips_bytes", "status")

    def __init__(self) -> None:
        self.status = ""
        self.fault = ""
        self.error: BaseException | None = None
        self.has_begun = False
        self.skips_bytes = False
        """True once further bytes of the body tell nothing new."""

    def start(self, status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        """Note the status; the application calls it as `start_response`."""
        del headers
        if exc_info:
            if self.has_begun:
                raise exc_info[1].with_traceback(exc_info[2])
            self.error = exc_info[1]
        elif self.status:
            self.fault = self.fault or "the application called start_response twice"
        self.status = status
        return self.write

    def write(self, data: bytes) -> None:
        """Take a part of the body that is not in the returned iterable."""
        self.take(data)

    def take(self, chunk: Any) -> None:
        """Note a chunk that is the first, or not bytes."""
        if not isinstance(chunk, bytes):
            self.fault = self.fault or f"a part of the body is {type(chunk).__name__}, not bytes"
        elif chunk:
            self.has_begun = self.skips_bytes = True
            if not self.status:
                self.fault = self.fault or "the application sent a body before it called start_response"


def _caller(text: str, application: Any) -> Call:
    codes: dict[str, int] = {}

    def call(event: Event) -> Rejected | None:
        make_environ, body, expected, make_response = event
        environ = make_environ()
        environ["wsgi.input"] = io.BytesIO(body)
        response = make_response()
        result = application(environ, response.start)
        try:
            for chunk in result:
                if type(chunk) is bytes and response.skips_bytes:
                    continue
                response.take(chunk)
        except TypeError:
            if hasattr(type(result), "__iter__") or hasattr(type(result), "__getitem__"):
                raise
            return _no_body(text, result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        status = codes.get(response.status) or code_of(response.status, codes)
        if status in expected and not response.fault:
            return None
        error = environ.pop(KEY, None)
        if error is not None:
            raise error
        return Rejected(_reason(response, status))

    return call


def code_of(status: str, codes: dict[str, int]) -> int:
    """Return the number in a status line, 0 if there is none, and remember it."""
    first = str(status)[:3]
    code = int(first) if len(first) == 3 and first.isascii() and first.isdecimal() else 0
    if len(codes) < _MOST_STATUSES:
        codes[status] = code
    return code


def _reason(response: Response, status: int) -> str:
    if response.fault:
        return response.fault
    if not response.status:
        return "the application did not call start_response"
    if not status:
        return f"the application answered with the status {response.status!r:.60}"
    error = f": {type(response.error).__name__}" if response.error is not None else ""
    return f"{with_phrase(status)}{error}"


def _no_body(text: str, result: Any) -> Rejected:
    """Return the failure of a call that returned nothing iterable. Raises `RefusedError` if it returned an application."""
    kind = type(result).__qualname__
    if callable(result):
        raise RefusedError(
            f"'{text}' returned an object of class {kind} for a request: it makes applications",
            remedy="Write a function without arguments that returns its application, and call that in the SPEC: wsgi:PLACE()",
        ) from None
    return Rejected(f"the application returned {kind}, not the parts of a body")
