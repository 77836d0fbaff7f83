"""Decode the bytes of a body into a typed object: by compiled types, or by rules applied one by one.

Both accept the same bodies. A body that the types refuse is passed to the rules, which then name the fields.
"""

import base64
import binascii
import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from targets.asset_core.errors import InvalidRequestError, TooLargeError
from targets.asset_core.request import Request
from targets.asset_core.rules import PROBLEM_LIMIT, Problems, Rule

BODY_LIMIT_BYTES = 6 * 1024 * 1024
DEPTH_LIMIT = 32

Body = TypeVar("Body")


@dataclasses.dataclass(frozen=True, slots=True)
class Shape(Generic[Body]):
    """A body as a type, and the same as a rule. `free` returns a part of open type."""

    type: type[Body]
    rule: Rule
    free: Callable[[Body], Any] | None = None


class Reader:
    """Read bodies of a shape."""

    def __init__(self, *, compiled: bool) -> None:
        self._compiled = compiled

    def read(self, request: Request, shape: Shape[Body]) -> Body:
        """Return the body of a request. Raises InvalidRequestError, which names the fields; TooLargeError over 6 MiB."""
        data = body_of(request)
        if self._compiled:
            try:
                body = msgspec.json.decode(data, type=shape.type)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # The rules below name the fault.
            else:
                _require_flat(shape.free(body) if shape.free else None, DEPTH_LIMIT - 1)
                return body
        return _walked(_parsed(data), shape, "")

    def convert(self, value: Any, shape: Shape[Body], path: str) -> Body:
        """Return the typed form of a part of a body at `path`. Raises InvalidRequestError, which names the fields."""
        if self._compiled:
            try:
                return msgspec.convert(value, shape.type)
            except msgspec.ValidationError:
                pass  # The rules below name the fault.
        return _walked(value, shape, path)


def body_of(request: Request) -> bytes:
    """Return the bytes of a body. Raises InvalidRequestError without one, TooLargeError over 6 MiB."""
    body, encoded = request.event.get("body"), request.event.get("isBase64Encoded")
    if not isinstance(body, str):
        raise InvalidRequestError("the request is not valid", [("body", "is missing")])
    # A text has at least as many bytes as characters, base64 four for three: far too large bodies are not decoded.
    if len(body) > BODY_LIMIT_BYTES * (4 / 3 if encoded else 1) + 4:
        raise TooLargeError("the body is over 6 MiB")
    data = _decoded(body) if encoded else body.encode("utf-8", "replace")
    if len(data) > BODY_LIMIT_BYTES:
        raise TooLargeError("the body is over 6 MiB")
    return data


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError("the request is not valid", [("body", "is not base64")]) from error


def _parsed(data: bytes) -> Any:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequestError("the request is not valid", [("body", "is not JSON")]) from error
    except RecursionError as error:
        raise _too_deep() from error
    _require_flat(value, DEPTH_LIMIT)
    return value


def _require_flat(value: Any, limit: int) -> None:
    if _deeper_than(value, limit):
        raise _too_deep()


def _walked(value: Any, shape: Shape[Body], path: str) -> Body:
    problems: Problems = []
    shape.rule.check(value, path, problems)
    if problems:
        raise InvalidRequestError("the request is not valid", problems[:PROBLEM_LIMIT])
    # The rules were strict; the only conversion left is of whole numbers written as 4.0.
    return msgspec.convert(value, shape.type, strict=False)


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(
        "the request is not valid", [("body", f"is nested more than {DEPTH_LIMIT} deep")]
    )


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return any(isinstance(inner, (dict, list)) for inner in level)


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
