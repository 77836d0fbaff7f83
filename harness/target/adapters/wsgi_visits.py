"""Call a WSGI application for users on a journey: requests of a file in which lines save values or have pauses.

The work for the user is inside the call: its cost is in `harness.target.adapters.visitors`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from harness.requests.late import Blank, LateRequest
from harness.requests.template import Template
from harness.target.adapters.asked import Adapted, Asked
from harness.target.adapters.visitors import Event as VisitEvent
from harness.target.adapters.visitors import Visitor, Visits
from harness.target.adapters.web import Rejected
from harness.target.adapters.wsgi import TRACEPARENT, Event, Response, environ_of, target_keys

_COOKIE = "HTTP_COOKIE"


def walk(target: Adapted, asked: Asked) -> None:
    """Let users call the target: `make_user`, `journey` and `call(operation, user)`."""
    assert target.requests is not None  # noqa: S101 - asked of journeys alone
    Visits(target.requests, asked.expected, _Prepared).attach(target, _caller(target.call))


class _Prepared:
    """The environ of one request, and what of it waits for saved values."""

    __slots__ = ("_blanks", "_body", "_copy", "_late")

    def __init__(self, template: Template, holes: Mapping[str, str], names: Sequence[str]) -> None:
        late = LateRequest(template, template.filled(holes), names)
        environ = environ_of(late.request)
        of_target = target_keys("/", "")
        texts = {key: value for key, value in environ.items() if type(value) is str and key not in of_target}
        found = [(key, Blank.of(value, names)) for key, value in texts.items()]
        self._blanks = [(key, blank) for key, blank in found if blank]
        self._body = late.request.body
        self._copy = environ.copy
        self._late = late

    def fill(self, user: Visitor) -> tuple[dict[str, Any], bytes]:
        """Return a new environ and the body for a user."""
        environ, late, body = self._copy(), self._late, self._body
        for key, blank in self._blanks:
            environ[key] = blank.fill(user.saved)
        if late.has_target:
            environ |= target_keys(*late.target(user.saved))
        if late.body is not None:
            body = late.body.fill(user.saved).encode()
            if late.length is not None:
                environ["CONTENT_LENGTH"] = str(len(body))
        if user.jar.header:
            environ[_COOKIE] = user.jar.header_after(environ.get(_COOKIE, ""))
        if user.traceparent:
            environ[TRACEPARENT] = user.traceparent
        return environ, body


class _Heard(Response):
    """A response whose headers are kept, and its body if it is read."""

    __slots__ = ("_is_read", "headers", "parts")

    def __init__(self, *, is_read: bool) -> None:
        super().__init__()
        self._is_read = is_read
        self.headers: Sequence[tuple[str, str]] = ()
        self.parts: list[bytes] = []

    def start(self, status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        """Note status and headers."""
        if isinstance(headers, list | tuple):
            self.headers = headers
        else:
            self.fault = (
                f"the application gave start_response {type(headers).__name__}, not a list of headers"
            )
        return super().start(status, headers, exc_info)

    def take(self, chunk: Any) -> None:
        """Note a chunk."""
        super().take(chunk)
        if self._is_read and isinstance(chunk, bytes):
            self.parts.append(chunk)
            self.skips_bytes = False

    def document(self) -> Any:
        """Return the body's JSON document."""
        return msgspec.json.decode(b"".join(self.parts))


def _caller(call: Callable[[Event], Rejected | None]) -> Callable[[VisitEvent, Visitor], Rejected | None]:
    def call_for(event: VisitEvent, user: Visitor) -> Rejected | None:
        step = user.step(event)
        environ, body = step.prepared.fill(user)
        heard = _Heard(is_read=step.reads_body)
        rejected = call((lambda: environ, body, step.expected, lambda: heard))
        if rejected is not None:
            return rejected
        why = user.keep(step.saves, heard.headers, heard.document)
        return Rejected(why) if why else None

    return call_for
