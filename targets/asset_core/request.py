"""Turn an API Gateway proxy event into a request. Every part of an event may have a wrong type."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from targets.asset_core.counting import Tally
from targets.asset_core.errors import InvalidRequestError
from targets.asset_core.scope import Scope
from targets.asset_core.security.permissions import Principal

NOBODY = Principal("", "", frozenset(), 0.0)
"""Caller of a request before authentication."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_EXPIRED = Scope(float("-inf"), Tally())


class Request:
    """One request on its way through the handler; the stages set `principal` and `scope`."""

    __slots__ = ("event", "headers", "idle", "method", "operation", "path", "principal", "scope", "target_id")

    headers: Mapping[str, str]
    event: Mapping[str, Any]

    def __init__(
        self,
        method: str = "",
        path: str = "",
        headers: Mapping[str, str] = _NOTHING,
        event: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self.idle = False
        self.method = method
        self.path = path
        self.headers = headers
        self.event = event
        self.operation = ""
        self.target_id = ""
        self.principal = NOBODY
        self.scope = _EXPIRED

    def reset(self) -> None:
        """Drop all data of the caller."""
        self.method = self.path = self.operation = self.target_id = ""
        self.headers = self.event = _NOTHING
        self.principal = NOBODY
        self.scope = _EXPIRED

    def load(self, event: Any) -> None:
        """Read the request in an event; raises InvalidRequestError for anything but a proxy event."""
        try:
            method, path, headers = event["httpMethod"], event["path"], event.get("headers")
        except (TypeError, KeyError, AttributeError) as error:
            raise InvalidRequestError("the event is not an API Gateway proxy event") from error
        if type(method) is not str or type(path) is not str:
            raise InvalidRequestError("the event has no method or path")
        self.method = method
        self.path = unquote(path) if "%" in path else path
        self.headers = _lower(headers) if headers else {}
        self.event = event


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
