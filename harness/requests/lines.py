"""Read one request from a line of JSON Lines."""

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.requests.saving import read_saves
from harness.requests.statuses import read_statuses
from harness.requests.template import Draft, Pairs, Template, is_placeholder, operation_of, split_target
from harness.units import parse_duration_s

Scalar = str | int | float | bool
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_EXTENSIONS = (
    "ACL", "COPY", "LOCK", "MKCALENDAR", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "PURGE", "QUERY", "REPORT", "SEARCH", "UNLOCK",
)  # fmt: skip
"""Methods of WebDAV and CalDAV, of caches and of searches."""
_ABOUT = ("operation", "weight", "expect", "save", "pause")
EXAMPLE = 'A line is {"method": "GET", "path": "/items/7"}, with operation, weight, query, headers, body or json, expect, and in a journey save and pause'
_OF_EVENT = "event"
_LONGEST_PAUSE_S = 86_400.0


class _Line(msgspec.Struct, frozen=True):
    operation: str = ""
    weight: float | None = None
    method: str = "GET"
    path: str = "/"
    query: str | dict[str, Scalar | list[Scalar]] = ""
    headers: dict[str, Scalar] = {}
    body: str = ""
    json: Any = msgspec.UNSET
    expect: int | str | list[int | str] | None = None
    save: dict[str, str] | None = None
    pause: float | str | None = None


_FIELDS = _Line.__struct_fields__


def request_of(fields: Any, where: str) -> Template:
    """Return the HTTP request of a line. Raises `UsageError` for unknown fields, and for values that are none of theirs."""
    line = _line(fields, where)
    method = line.method.upper()
    if method not in (*METHODS, *_EXTENSIONS):
        raise UsageError(
            f"The method '{line.method:.40}' is none of HTTP", where=where, remedy=f"Choose from: {', '.join(METHODS)}"
        )  # fmt: skip
    if line.body and line.json is not msgspec.UNSET:
        raise UsageError("The request has both a body and json", where=where, remedy="Write one of them")
    # Such a path may be an address that an earlier step has saved: `harness.requests.steps` checks that.
    is_saved = is_placeholder(line.path)
    host, path, query = ("", line.path, "") if is_saved else split_target(line.path, where)
    if query and line.query:
        raise UsageError(
            "The request has a query in its path and another one", where=where, remedy="Write one of them"
        )
    headers = tuple((name, _text(value)) for name, value in line.headers.items())
    if host and "host" not in {name.lower() for name in line.headers}:
        headers = (("host", host), *headers)
    is_json = line.json is not msgspec.UNSET
    draft = Draft(
        method=method, path=path, query=query or _query(line.query), headers=headers,
        body=line.json if is_json else line.body, is_json=is_json,
    )  # fmt: skip
    return _template(line, where, line.operation or operation_of(method, path), draft=draft)


def event_of(value: Any, where: str, name: str) -> Template:
    """Return the event of a line: the JSON value itself, or that of `event` beside operation, weight and expect.

    `name` is the operation of an event that has no name of its own.
    """
    if isinstance(value, dict) and _OF_EVENT in value and set(value) <= {_OF_EVENT, *_ABOUT}:
        line = _line({key: one for key, one in value.items() if key != _OF_EVENT}, where)
        event = value[_OF_EVENT]
        return _template(line, where, line.operation or _named(event) or name, event=event)
    return Template(where=where, operation=_named(value) or name, event=value)


def _template(
    line: _Line, where: str, operation: str, draft: Draft | None = None, event: Any = None
) -> Template:
    return Template(
        where=where,
        operation=operation,
        weight=1.0 if line.weight is None else line.weight,
        expect=_expect(line.expect, where),
        draft=draft,
        event=event,
        save=read_saves(line.save or {}, where),
        pause_s=_pause_s(line.pause, where),
        is_step=line.save is not None or line.pause is not None,
        has_weight=line.weight is not None,
    )


def _pause_s(pause: float | str | None, where: str) -> float | None:
    remedy = 'Write a number of seconds, or a duration such as "500ms"'
    try:
        pause_s = parse_duration_s(pause) if isinstance(pause, str) else pause
    except UsageError as error:
        raise UsageError(f"The pause '{pause:.40}' cannot be read", where=where, remedy=remedy) from error
    if pause_s is not None and not 0 <= pause_s <= _LONGEST_PAUSE_S:
        raise UsageError(f"The pause {pause} is not within 0 to 24 hours", where=where, remedy=remedy)
    return pause_s


def is_request(value: Any) -> bool:
    """Return True for a line with the path of an HTTP request and no field beside those of a request."""
    return isinstance(value, dict) and "path" in value and set(value) <= set(_FIELDS)


def _named(event: Any) -> str:
    """Return the operation of a proxy event of API Gateway (version 1 or 2) or a load balancer; empty for any other."""
    if not isinstance(event, dict):
        return ""
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    if isinstance(http, dict) and isinstance(http.get("method"), str):
        path = event.get("rawPath", http.get("path"))
        return operation_of(http["method"], path) if isinstance(path, str) else ""
    method, path = event.get("httpMethod"), event.get("path")
    return operation_of(method, path) if isinstance(method, str) and isinstance(path, str) else ""


def _line(fields: Any, where: str) -> _Line:
    if not isinstance(fields, dict):
        raise UsageError(
            f"This is not a request but {msgspec.json.encode(fields).decode():.60}", where=where, remedy=EXAMPLE
        )  # fmt: skip
    for name in fields:
        if name not in _FIELDS:
            near = difflib.get_close_matches(name, _FIELDS, 1, 0.5)
            remedy = f"Did you mean '{near[0]}'?" if near else f"Fields: {', '.join(_FIELDS)}"
            raise UsageError(f"A request has no field '{name:.60}'", where=where, remedy=remedy)
    try:
        line = msgspec.convert(fields, _Line)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The request cannot be used: {_plain(error)}", where=where, remedy=EXAMPLE
        ) from error
    if line.weight is not None and not 0 < line.weight < 1e9:
        raise UsageError(f"The weight {line.weight:g} is not a positive number", where=where)
    return line


def _plain(error: Exception) -> str:
    return str(error).replace("`$.", "`")


def _expect(words: Any, where: str) -> frozenset[int] | None:
    if words is None:
        return None
    try:
        found = read_statuses(words)
    except ValueError as error:
        raise UsageError(
            f"expect cannot be read: {error}", where=where, remedy="Write 404 or [200, 404]"
        ) from error
    if not found:
        raise UsageError("expect names no status", where=where, remedy="Write 404 or [200, 404]")
    return found


def _query(query: str | Mapping[str, Any]) -> str | Pairs:
    if isinstance(query, str):
        return query.removeprefix("?")
    return tuple(
        (name, _text(one))
        for name, value in query.items()
        for one in (value if isinstance(value, list) else [value])
    )


def _text(value: Scalar) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
