"""Call an AWS Lambda handler, `handler(event, context)`, with one event after another."""

import base64
import inspect
import itertools
import os
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import TargetError
from harness.requests.reading import Kind
from harness.requests.template import Request, Template
from harness.table.traces import HEADER
from harness.target.adapters.asked import Adapted, Asked, Events
from harness.target.answers import ByStatus, Judge
from harness.target.unfinished import is_async

Event = tuple[Any, frozenset[int] | None]
"""An event, and the expected statuses of its answer; None for those that every answer is held to."""
_TIMEOUT_MS = 900_000
_HOW = "Give events with requests=FILE: JSON Lines with one event a line, or a folder of *.json as `sam local generate-event` writes them"


class Context:
    """The context of one invocation, as Lambda's Python runtime gives it."""

    function_version = "$LATEST"
    identity = None
    client_context = None
    _numbers = itertools.count(1)

    def __init__(self, function_name: str) -> None:
        self.function_name = function_name
        self.aws_request_id = f"00000000-0000-4000-8000-{next(self._numbers):012x}"
        self._began_s = time.monotonic()

    @property
    def memory_limit_in_mb(self) -> str:
        """Return `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, or Lambda's default of 128 MB."""
        return os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")

    @property
    def invoked_function_arn(self) -> str:
        """Return an ARN with this function's name."""
        region = os.environ.get("AWS_REGION", "us-east-1")
        return f"arn:aws:lambda:{region}:123456789012:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Return the name of the function's log group."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """Return the name of a log stream."""
        return "2026/01/01/[$LATEST]00000000000000000000000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until Lambda's longest timeout of 15 minutes, in ms."""
        return max(_TIMEOUT_MS - int((time.monotonic() - self._began_s) * 1000), 0)


class _Expecting(frozenset[int]):
    """The statuses that one answer is expected to have, beside the answer in a pair."""


class LambdaTarget(Adapted):
    """A target that calls one handler; its events are those of the SPEC's requests."""

    def __init__(self, asked: Asked) -> None:
        name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or _name_of(asked.application)
        requests = asked.read_requests(Kind.EVENTS, name)
        events = Events(requests, _event, shared=False)
        self.operations = events.operations
        self.make_event = events.make
        self.remarks = requests.notes
        self.requests = requests
        self.judge = _judge(asked.expected)
        self.call = _caller(asked.application, name)

    @staticmethod
    def with_traceparent(event: Event, value: str) -> Event:
        """Return the event with this header, if it has headers: those of queues and timers stay as they are."""
        payload, expected = event
        return with_header(payload, HEADER, value), expected


def adapt(asked: Asked) -> LambdaTarget:
    """Return the target. Raises `UsageError` for an object that is no handler, and without events."""
    asked.refuse_parameters()
    handler, place = asked.application, asked.text.partition(":")[2]
    if not callable(handler):
        raise TargetError(
            f"'{asked.text}' is an object of class {type(handler).__qualname__}, not a handler",
            remedy="Name the handler at the end",
        )
    if is_async(handler):
        raise TargetError(
            f"The handler '{place}' is an async function, which Lambda's Python runtime cannot run",
            remedy=f"Write a plain handler, or measure the coroutine: call:{place}",
        )
    try:
        inspect.signature(handler).bind({}, None)
    except ValueError:
        pass  # A function written in C may have no signature.
    except TypeError as error:
        raise TargetError(
            f"'{place}' cannot be called as handler(event, context): {error}",
            remedy=f"Name the handler; for any other function write call:{place}",
        ) from error
    if not asked.requests:
        raise TargetError(f"The handler '{place}' has no events", remedy=_HOW)
    return LambdaTarget(asked)


def with_header(payload: Any, name: str, value: str) -> Any:
    """Return a copy of an event of API Gateway or a load balancer with a header; any other event is returned as it is."""
    if not isinstance(payload, dict):
        return payload
    single, many = payload.get("headers"), payload.get("multiValueHeaders")
    changed: dict[str, Any] = {}
    if isinstance(single, dict):
        changed["headers"] = {**_without(single, name), name: value}
    if isinstance(many, dict):
        changed["multiValueHeaders"] = {**_without(many, name), name: [value]}
    return {**payload, **changed} if changed else payload


def _without(headers: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in headers.items() if key.lower() != name}


def _caller(handler: Callable[[Any, Context], Any], name: str) -> Callable[[Event], Any]:
    def call(event: Event) -> Any:
        payload, expected = event
        answer = handler(payload, Context(name))
        return answer if expected is None else (answer, expected)

    return call


def _judge(usual: frozenset[int]) -> Judge:
    by_status = ByStatus(usual)
    own: dict[frozenset[int], ByStatus] = {}

    def judged(answer: Any) -> tuple[ByStatus, Any]:
        # A pair: a check for unfinished answers looks into it.
        if type(answer) is tuple and len(answer) == 2 and type(answer[1]) is _Expecting:
            return own.setdefault(answer[1], ByStatus(answer[1])), answer[0]
        return by_status, answer

    def decide(answer: Any) -> int:
        judge, answer = judged(answer)
        return judge.decide(answer)

    def reason(answer: Any) -> str:
        judge, answer = judged(answer)
        return judge.reason(answer)

    by_status.passed.discard(tuple)
    return Judge(decide, reason, by_status.passed, by_status.rule)


def _name_of(handler: Any) -> str:
    return str(getattr(handler, "__name__", None) or type(handler).__name__)


def _event(template: Template, holes: Mapping[str, str]) -> Event:
    expected = None if template.expect is None else _Expecting(template.expect)
    if template.draft is not None:
        return proxy_event(template.filled(holes)), expected
    return template.event_filled(holes), expected


def proxy_event(request: Request) -> dict[str, Any]:
    """Return the event of a REST API of API Gateway with a proxy integration (payload format 1.0) for a request."""
    many: dict[str, list[str]] = {}
    for name, value in request.headers:
        many.setdefault(name, []).append(value)
    query: dict[str, list[str]] = {}
    for name, value in urllib.parse.parse_qsl(request.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    path = urllib.parse.unquote(request.path)
    try:
        body, is_base64 = request.body.decode(), False
    except UnicodeDecodeError:
        body, is_base64 = base64.b64encode(request.body).decode(), True
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "harness",
            "httpMethod": request.method,
            "identity": {"sourceIp": "127.0.0.1", "userAgent": ""},
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": "00000000-0000-4000-8000-000000000000",
            "requestTimeEpoch": 1_767_225_600_000,
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": body if request.body else None,
        "isBase64Encoded": is_base64,
    }
