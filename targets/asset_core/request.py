"""From an API Gateway proxy event to a request. Nothing in an event is trusted to have the right type."""

from typing import Any
from urllib.parse import unquote

from targets.asset_core.errors import InvalidRequestError
from targets.asset_core.scope import Scope
from targets.asset_core.security.permissions import Principal


class Request:
    """One request on its way through the handler; `principal` and `scope` are filled in by their stages."""

    __slots__ = ("event", "headers", "method", "operation", "path", "principal", "scope", "target_id")

    principal: Principal
    scope: Scope

    def __init__(self, method: str, path: str, headers: dict[str, str], event: dict[str, Any]) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.event = event
        self.operation = ""
        self.target_id = ""


def read_request(event: Any) -> Request:
    """Return the request in an event; InvalidRequestError if it is no proxy event."""
    try:
        method, path, headers = event["httpMethod"], event["path"], event.get("headers")
    except (TypeError, KeyError, AttributeError) as error:
        raise InvalidRequestError("the event is not an API Gateway proxy event") from error
    if type(method) is not str or type(path) is not str:
        raise InvalidRequestError("the event has no method or path")
    if "%" in path:
        path = unquote(path)
    return Request(method, path, _lower(headers) if headers else {}, event)


def source_of(event: Any) -> str:
    """Return the caller's address for the audit log, or an empty string."""
    try:
        return str(event["requestContext"]["identity"]["sourceIp"])[:64]
    except (TypeError, KeyError):
        return ""


def _lower(headers: Any) -> dict[str, str]:
    try:
        return {name.lower(): value for name, value in headers.items() if type(value) is str}
    except AttributeError as error:
        raise InvalidRequestError("the event's headers are not names and values") from error
