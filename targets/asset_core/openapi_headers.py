"""Parameters and headers of requests and responses, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from targets.asset_core.health_details import DETAILS_PERMISSION
from targets.asset_core.job_endpoints import KEY_HEADER
from targets.asset_core.openapi_examples import ID_EXAMPLE
from targets.asset_core.routing import GET_ASSET, GET_HEALTH, SUBMIT_JOB, Route
from targets.asset_core.validation import NAME_PATTERN

_NAME = {"type": "string", "pattern": rf"^{NAME_PATTERN}$"}
_ID = {"name": "id", "in": "path", "required": True, "schema": _NAME, "example": ID_EXAMPLE}
_DETAILS = {
    "name": "details",
    "in": "query",
    "schema": {"type": "string"},
    "description": f"Of any value: with more of the inside, for callers with the permission {DETAILS_PERMISSION}.",
}
_KEY = {
    "name": KEY_HEADER.title(),
    "in": "header",
    "schema": _NAME,
    "description": "A job sent again with the same key is the first one, in whatever state it is now.",
}
_ETAG = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The entity tag of what the caller has: answered with 304 if nothing has changed.",
}


def _header(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": {"type": "string", **schema}}


_CACHING = _header("Whether and for whom answers may be kept.", enum=["no-store", "private, no-cache"])
_ASSET_HEADERS = {
    "ETag": _header("The tag of this content, times aside.", pattern='^W/"[0-9a-f]{32}"$'),
    "X-Fetched-At": _header("When the stores were asked.", format="date-time"),
    "Vary": _header("What else decides on the form of the answer.", const="Accept-Encoding"),
}
_BY_STATUS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": _header("How to authenticate.", const="Bearer")},
    503: {"Retry-After": _header("Seconds until it is worth trying again.", pattern="^[0-9]+$")},
}


def parameters_of(route: Route) -> list[dict[str, Any]]:
    """Return the parameters of an operation, those of its path first."""
    own = {GET_ASSET: [_ETAG], SUBMIT_JOB: [_KEY], GET_HEALTH: [_DETAILS]}.get(route, [])
    return [*([_ID] if "{id}" in route.path else []), *own]


def headers_of(route: Route, status: int) -> dict[str, Any]:
    """Return the headers of every response with this status."""
    own = _ASSET_HEADERS if route is GET_ASSET and status in {200, 304} else {}
    return {"Cache-Control": _CACHING, **own, **_BY_STATUS.get(status, {})}
