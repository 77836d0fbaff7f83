"""Call an ASGI application for users on a journey: requests of a file in which lines save values or have pauses.

The work for the user is inside the call: its cost is in `harness.target.adapters.visitors`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from harness.requests.late import LateRequest
from harness.requests.template import Template
from harness.table.traces import HEADER
from harness.target.adapters.asgi import Event, Exchange, Message, encoded, scope_of, target_keys, with_header
from harness.target.adapters.asked import Adapted, Asked
from harness.target.adapters.visitors import Event as VisitEvent
from harness.target.adapters.visitors import Visitor, Visits
from harness.target.adapters.web import Rejected


def walk(target: Adapted, asked: Asked) -> None:
    """Let users call the target: `make_user`, `journey` and `call(operation, user)`."""
    assert target.requests is not None  # noqa: S101 - asked of journeys alone
    Visits(target.requests, asked.expected, _Prepared).attach(target, _caller(target.call))


class _Prepared:
    """Scope and headers of one request, and what of them waits for saved values."""

    __slots__ = ("_cookie", "_headers", "_late", "_scope")

    def __init__(self, template: Template, holes: Mapping[str, str], names: Sequence[str]) -> None:
        self._late = late = LateRequest(template, template.filled(holes), names)
        self._scope = scope_of(late.request)
        self._headers = [encoded(name, value) for name, value in late.request.headers]
        found = (at for at, (name, _) in enumerate(late.request.headers) if name == "cookie")
        self._cookie = next(found, None)

    def fill(self, user: Visitor) -> tuple[dict[str, Any], list[tuple[bytes, bytes]], bytes]:
        """Return a new scope, the headers and the body for a user."""
        scope, headers, late, saved = self._scope.copy(), self._headers.copy(), self._late, user.saved
        for at, blank in late.headers:
            headers[at] = headers[at][0], blank.fill(saved).encode("latin-1", "replace")
        if late.has_target:
            scope |= target_keys(*late.target(saved))
        body = late.request.body
        if late.body is not None:
            body = late.body.fill(saved).encode()
            if late.length is not None:
                headers[late.length] = b"content-length", str(len(body)).encode()
        if user.jar.header:
            if self._cookie is None:
                headers.append(encoded("cookie", user.jar.header))
            else:
                own = headers[self._cookie][1].decode("latin-1")
                headers[self._cookie] = encoded("cookie", user.jar.header_after(own))
        if user.traceparent:
            headers = with_header(headers, HEADER, user.traceparent)
        return scope, headers, body


class _Heard(Exchange):
    """An exchange whose response's headers are kept, and its body if it is read."""

    __slots__ = ("_is_read", "_parts", "headers")

    def __init__(self, body: bytes, *, is_read: bool) -> None:
        super().__init__(body)
        self._is_read = is_read
        self._parts: list[bytes] = []
        self.headers: Iterable[tuple[bytes, bytes]] = ()

    async def send(self, message: Message) -> None:
        """Take a part of the response."""
        if message["type"] == "http.response.start":
            self.headers = message.get("headers", ())
        elif self._is_read:
            self._parts.append(message.get("body", b""))
        await super().send(message)

    def document(self) -> Any:
        """Return the body's JSON document."""
        return msgspec.json.decode(b"".join(self._parts))


def _caller(call: Callable[[Event], Awaitable[Rejected | None]]) -> Callable[[VisitEvent, Visitor], Any]:
    async def call_for(event: VisitEvent, user: Visitor) -> Rejected | None:
        step = user.step(event)
        scope, headers, body = step.prepared.fill(user)
        heard = _Heard(body, is_read=step.reads_body)
        rejected = await call((lambda: scope, headers, body, step.expected, lambda _body: heard))
        if rejected is not None:
            return rejected
        texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in heard.headers]
        why = user.keep(step.saves, texts, heard.document)
        return Rejected(why) if why else None

    return call_for
