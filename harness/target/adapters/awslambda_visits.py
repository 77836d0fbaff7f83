"""Call an AWS Lambda handler for users on a journey: events of a file in which lines save values or have pauses.

Each call gets an event of its own, which is decoded from JSON inside the call: its cost is in `harness.target.adapters.visitors`.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from harness.model import Outcome
from harness.requests.late import Blank, LateRequest, in_json
from harness.requests.template import Template
from harness.table.traces import HEADER
from harness.target.adapters.asked import Adapted, Asked
from harness.target.adapters.awslambda import Event, proxy_event, with_header
from harness.target.adapters.cookies import Jar
from harness.target.adapters.visitors import SET_COOKIE, Visitor, Visits
from harness.target.adapters.visitors import Event as VisitEvent
from harness.target.adapters.web import Rejected
from harness.target.answers import ByStatus, Judge

_COMPLETED, _FAILED = int(Outcome.COMPLETED), int(Outcome.FAILED)
_decoded = msgspec.json.Decoder().decode


def walk(target: Adapted, asked: Asked) -> None:
    """Let users call the target: `make_user`, `journey` and `call(operation, user)`."""
    assert target.requests is not None  # noqa: S101 - asked of journeys alone
    judges = {
        one.expect or asked.expected: ByStatus(one.expect or asked.expected)
        for one in target.requests.templates
    }
    Visits(target.requests, asked.expected, _Prepared).attach(target, _caller(target.call, judges))
    # The status is judged inside the call: nothing is saved from a failure.
    target.judge = Judge(
        lambda answer: _FAILED if type(answer) is Rejected else _COMPLETED,
        lambda answer: str(answer.reason),
        set(),
        lambda: next(filter(None, (one.rule() for one in judges.values())), ""),
    )


class _Prepared:
    """One event as JSON, and what of it waits for saved values."""

    __slots__ = ("_blank", "_json", "_late")

    def __init__(self, template: Template, holes: Mapping[str, str], names: Sequence[str]) -> None:
        late = LateRequest(template, template.filled(holes), names) if template.draft else None
        event = proxy_event(late.request) if late else template.event_filled(holes)
        self._late = late if late and late.waits else None
        self._json = msgspec.json.encode(event)
        self._blank = Blank.of(self._json.decode(), names, in_json)

    def fill(self, user: Visitor) -> Any:
        """Return a new event for a user."""
        if self._late:
            event = proxy_event(self._late.filled(user.saved))
        else:
            event = _decoded(self._blank.fill(user.saved) if self._blank else self._json)
        if user.jar.header and isinstance(event, dict):
            _send(user.jar, event)
        return with_header(event, HEADER, user.traceparent) if user.traceparent else event


def _send(jar: Jar, event: dict[str, Any]) -> None:
    """Put the cookies into a proxy event of API Gateway (version 1 or 2) or a load balancer; other events stay as they are."""
    if "rawPath" in event:
        event["cookies"] = [*(event.get("cookies") or ()), *jar.header.split("; ")]
        return
    if "httpMethod" not in event:
        return
    single, many = event.get("headers"), event.get("multiValueHeaders")
    if isinstance(single, dict) or not isinstance(many, dict):
        event["headers"] = single = single if isinstance(single, dict) else {}
        name = _named_cookie(single)
        single[name] = jar.header_after(single.get(name) or "")
    if isinstance(many, dict):
        name = _named_cookie(many)
        many[name] = [jar.header_after("; ".join(many.get(name) or ()))]


def _named_cookie(headers: Mapping[str, Any]) -> str:
    return next((name for name in headers if name.lower() == "cookie"), "cookie")


def _headers(answer: Any) -> Iterator[tuple[str, str]]:
    """Yield the headers of a proxy answer; none for any other answer."""
    if not isinstance(answer, Mapping):
        return
    for name, value in _items(answer.get("headers")):
        yield name, str(value)
    for name, values in _items(answer.get("multiValueHeaders")):
        if isinstance(values, list | tuple):
            yield from ((name, str(value)) for value in values)
    cookies = answer.get("cookies")
    if isinstance(cookies, list | tuple):
        yield from ((SET_COOKIE, str(value)) for value in cookies)


def _items(headers: Any) -> Any:
    return headers.items() if isinstance(headers, Mapping) else ()


def _document(answer: Any) -> Any:
    """Return the JSON document of a proxy answer's body; any other answer is the document itself."""
    if not isinstance(answer, Mapping) or "statusCode" not in answer:
        return answer
    body = answer.get("body")
    if not isinstance(body, str):
        return body
    return _decoded(base64.b64decode(body) if answer.get("isBase64Encoded") else body)


def _caller(
    call: Callable[[Event], Any], judges: Mapping[frozenset[int], ByStatus]
) -> Callable[[VisitEvent, Visitor], Any]:
    def call_for(event: VisitEvent, user: Visitor) -> Any:
        step = user.step(event)
        answer = call((step.prepared.fill(user), None))
        judge = judges[step.expected]
        if judge.decide(answer) != _COMPLETED:
            return Rejected(judge.reason(answer))
        why = user.keep(step.saves, _headers(answer), lambda: _document(answer))
        return Rejected(why) if why else answer

    return call_for
