"""Call an ASGI application in-process, as a server does after it has read a request (ASGI 3, HTTP and lifespan).

The scope of each distinct request is built once and copied for each call. A call ends when the application returns, so
background tasks that it awaits are part of it. It returns None, or `Rejected` if the response is a failure or breaks the
protocol; it raises the exception that Django has turned into such a response.
"""

import asyncio
import urllib.parse
from collections.abc import Callable, Coroutine, Mapping, MutableMapping, Sequence
from typing import Any

from harness.errors import TargetError
from harness.requests.template import Request, Template
from harness.table.traces import HEADER
from harness.target.adapters.asked import Adapted, Asked, Events
from harness.target.adapters.hidden_errors import KEY, hear
from harness.target.adapters.lifespan import Lifespan
from harness.target.adapters.web import (
    Rejected,
    check_application,
    debug_notes,
    judge_responses,
    with_phrase,
)

Event = tuple[
    Callable[[], dict[str, Any]],
    Sequence[tuple[bytes, bytes]],
    bytes,
    frozenset[int],
    Callable[[bytes], "Exchange"],
]
"""A function that returns a new scope, the headers, the body of the request, the expected statuses, and the exchange of a body."""
Message = MutableMapping[str, Any]
VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class AsgiTarget(Adapted):
    """A target that calls one application; its events are requests. `open` and `close` carry out its lifespan."""

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
        self._lifespan = Lifespan(asked.application, VERSIONS)
        self.open = self._lifespan.start
        self.close = self._lifespan.end
        self.requests = requests
        self.call = _caller(asked.application, self._lifespan.state)
        hear()

    @staticmethod
    def with_traceparent(event: Event, value: str) -> Event:
        """Return the event with this header."""
        make_scope, headers, body, expected, make_exchange = event
        return make_scope, with_header(headers, HEADER, value), body, expected, make_exchange


def adapt(asked: Asked) -> AsgiTarget:
    """Return the target. Raises `UsageError` for an object that is no application, and for unusable requests."""
    asked.refuse_parameters()
    check_application(asked.text, asked.application, "asgi", ("scope", "receive", "send"))
    if isinstance(asked.application, type):
        raise TargetError(
            f"'{asked.text}' is a class, not an application of ASGI 3", remedy="Name an object made from it"
        )
    return AsgiTarget(asked)


def _event(template: Template, holes: Mapping[str, str], expected: frozenset[int]) -> Event:
    request = template.filled(holes)
    return (
        scope_of(request).copy,
        tuple(encoded(name, value) for name, value in request.headers),
        request.body,
        expected if template.expect is None else template.expect,
        Exchange,
    )


def with_header(headers: Sequence[tuple[bytes, bytes]], name: str, value: str) -> list[tuple[bytes, bytes]]:
    """Return headers with `name` once."""
    header = encoded(name, value)
    return [*(one for one in headers if one[0] != header[0]), header]


def encoded(name: str, value: str) -> tuple[bytes, bytes]:
    """Return a header as ASGI has it."""
    return name.encode("latin-1"), value.encode("latin-1", "replace")


def scope_of(request: Request) -> dict[str, Any]:
    """Return the scope of a request, without its headers and state."""
    host, _, port = next((value for name, value in request.headers if name == "host"), "localhost").partition(
        ":"
    )
    return {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        **target_keys(request.path, request.query),
        "root_path": "",
        "client": ("127.0.0.1", 50_000),
        "server": (host, int(port) if port.isdecimal() else 80),
    }


def target_keys(path: str, query: str) -> dict[str, Any]:
    """Return the keys of a scope that hold the path and the query of a request."""
    return {
        "path": urllib.parse.unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
    }


class Exchange:
    """One request and its response, as the application receives and sends them."""

    __slots__ = ("_body", "_waiting", "fault", "is_finished", "status")

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._waiting: asyncio.Future[None] | None = None
        self.status = 0
        self.is_finished = False
        self.fault = ""

    async def receive(self) -> Message:
        """Return the whole body, and after the response the disconnection."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        while not self.is_finished:
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiting)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a part of the response."""
        kind = message["type"]
        if kind == "http.response.body":
            if not self.status:
                self.fault = self.fault or "the application sent a body before it started the response"
            if self.is_finished:
                self.fault = self.fault or "the application answered twice"
            if not message.get("more_body", False):
                self.end()
        elif kind == "http.response.start":
            if self.status:
                self.fault = self.fault or "the application answered twice"
            else:
                self.status = message["status"]
        else:
            self.fault = self.fault or f"the application sent a message of type {kind!r:.60}"

    def end(self) -> None:
        """Note the end of the response, and wake whoever waits for the disconnection."""
        self.is_finished = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _caller(
    application: Any, state: dict[str, Any]
) -> Callable[[Event], Coroutine[Any, Any, Rejected | None]]:
    async def call(event: Event) -> Rejected | None:
        make_scope, headers, body, expected, make_exchange = event
        scope = make_scope()
        scope["headers"] = list(headers)
        if state:
            scope["state"] = state.copy()
        exchange = make_exchange(body)
        try:
            await application(scope, exchange.receive, exchange.send)
        finally:
            was_finished = exchange.is_finished
            if not was_finished:
                exchange.end()
        if exchange.status in expected and was_finished and not exchange.fault:
            return None
        error = scope.pop(KEY, None)
        if error is not None:
            raise error
        return Rejected(_reason(exchange, was_finished=was_finished))

    return call


def _reason(exchange: Exchange, *, was_finished: bool) -> str:
    if exchange.fault:
        return exchange.fault
    if not exchange.status:
        return "the application returned without starting a response"
    return (
        with_phrase(exchange.status)
        if was_finished
        else "the application returned without finishing its response"
    )
