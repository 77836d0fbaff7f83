"""Proxy responses: bodies, entity tags, compression, and errors without internal details."""

import base64
import functools
import json
from collections.abc import Mapping
from typing import Any

from targets.asset_core.errors import InvalidRequestError, MethodNotAllowedError, RequestError

Response = dict[str, Any]

JSON_TYPE = "application/json"
REFUSAL_HEADERS = {"Content-Type": JSON_TYPE, "Cache-Control": "no-store"}

MESSAGES = {
    401: "Authentication is required.",
    403: "This permission is not granted.",
    404: "There is no such resource.",
    500: "The request could not be handled.",
    503: "The service is not available now.",
    504: "The request took too long.",
}


def respond(status: int, body: str, headers: Mapping[str, str] = REFUSAL_HEADERS) -> Response:
    """Return a proxy response with a text body."""
    return {"statusCode": status, "headers": dict(headers), "body": body, "isBase64Encoded": False}


def refuse(error: RequestError) -> Response:
    """Return the response to a request that cannot be served."""
    message = MESSAGES.get(error.status, error.what)
    fields = error.fields if isinstance(error, InvalidRequestError) else ()
    response = respond(error.status, error_body(error.code, message, fields))
    if error.status == 401:
        response["headers"]["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowedError):
        response["headers"]["Allow"] = ", ".join(error.allowed)
    return response


def unavailable(store: str) -> Response:
    """Return 503 with the name of the store that did not answer."""
    document = {"error": {"code": "unavailable", "message": MESSAGES[503], "store": store}}
    response = respond(503, json.dumps(document, separators=(",", ":")))
    response["headers"]["Retry-After"] = "1"
    return response


def busy(what: str) -> Response:
    """Return 503 for work that cannot be accepted now."""
    response = respond(503, error_body("busy", what))
    response["headers"]["Retry-After"] = "1"
    return response


def timed_out() -> Response:
    """Return 504 for an exceeded deadline."""
    return respond(504, error_body("timeout", MESSAGES[504]))


def broken() -> Response:
    """Return 500 for an unexpected error."""
    return respond(500, error_body("internal", MESSAGES[500]))


def error_body(code: str, message: str, fields: tuple[tuple[str, str], ...] = ()) -> str:
    """Return the JSON of an error; `fields` are (field, reason) pairs."""
    error: dict[str, Any] = {"code": code, "message": message}
    if fields:
        error["fields"] = [{"field": field, "reason": reason} for field, reason in fields]
    return json.dumps({"error": error}, separators=(",", ":"))


@functools.lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return True if an Accept-Encoding header allows gzip (RFC 9110, 12.5.3); common values are cached."""
    weights = dict(_coding(item) for item in accept_encoding.lower().split(","))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def matches_etag(if_none_match: str, etag: str) -> bool:
    """Return True if an If-None-Match header names `etag`, compared weakly (RFC 9110, 13.1.2)."""
    opaque = etag.removeprefix("W/")
    tags = (tag.strip() for tag in if_none_match.split(","))
    return any(tag == "*" or tag.removeprefix("W/") == opaque for tag in tags)


def base64_text(data: bytes) -> str:
    """Return bytes as base64 text for a proxy response."""
    return base64.b64encode(data).decode("ascii")


def _coding(item: str) -> tuple[str, float]:
    name, _, parameters = item.partition(";")
    weight = parameters.strip().removeprefix("q=").strip()
    try:
        return name.strip(), float(weight) if weight else 1.0
    except ValueError:
        return name.strip(), 0.0
