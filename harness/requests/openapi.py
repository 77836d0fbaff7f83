"""Make requests of the examples in an OpenAPI 3 document: one for each operation that has all it needs."""

import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.requests.examples import Examples, NoExampleError
from harness.requests.lines import METHODS
from harness.requests.template import FORM, Draft, Template

_REMEDY = "Add an example to each of its parameters and bodies, or write the requests as JSON Lines"
_MOST_NAMED = 5
_Pairs = list[tuple[str, str]]


def read_openapi(document: Mapping[str, Any], path: Path) -> tuple[list[Template], list[str]]:
    """Return a request for each operation, and a sentence on those left out because a value that they need has no example.

    Optional parameters are sent where they have an example of their own. Raises `UsageError` for another version, and
    if no operation is left.
    """
    version = str(document.get("openapi", document.get("swagger")))
    if not version.startswith("3."):
        raise UsageError(
            f"The document is of OpenAPI {version}, and version 3 is read", where=str(path), remedy="Convert it to OpenAPI 3"
        )  # fmt: skip
    examples, base = Examples(document), _base(document)
    paths = document.get("paths")
    found, left_out, total = [], [], 0
    for place, item in paths.items() if isinstance(paths, dict) else ():
        try:
            item = examples.resolved(item)  # noqa: PLW2901 - a reference stands for what it refers to
        except NoExampleError:
            continue
        for method in METHODS:
            operation = item.get(method.lower())
            if not isinstance(operation, dict):
                continue
            total += 1
            name = f"{method} {place}"
            try:
                draft = _draft(examples, method, f"{base}{place}", item, operation)
            except NoExampleError as error:
                left_out.append(f"{name} (no example of {error})")
                continue
            found.append(Template(where=f"{path}: {name}", operation=name, draft=draft, literal=True))
    shown = ", ".join(left_out[:_MOST_NAMED])
    if len(left_out) > _MOST_NAMED:
        shown = f"{shown} and {len(left_out) - _MOST_NAMED} others"
    if not found:
        raise UsageError(
            f"No operation of the document has examples of all that it needs: {shown or 'it has no operations'}",
            where=str(path), remedy=_REMEDY,
        )  # fmt: skip
    note = f"{len(found)} of {total} operations of {path.name} are called; left out: {shown}"
    return found, [note] if left_out else []


def _base(document: Mapping[str, Any]) -> str:
    """Return the path of the first server, below which all paths lie; variables have their default."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = first.get("url", "") if isinstance(first, dict) else ""
    variables = first.get("variables") if isinstance(first, dict) else None
    for name, variable in (variables if isinstance(variables, dict) else {}).items():
        if isinstance(variable, dict):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return urllib.parse.urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""


def _draft(
    examples: Examples, method: str, path: str, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Draft:
    headers: _Pairs = []
    query: _Pairs = []
    for parameter in _parameters(examples, item, operation):
        name, place = str(parameter.get("name")), parameter.get("in")
        try:
            value = examples.of(parameter, f"{place} parameter {name}")
        except NoExampleError:
            if parameter.get("required") or place == "path":
                raise
            continue
        if place == "path":
            path = path.replace(f"{{{name}}}", urllib.parse.quote(_simple(value), safe=""))
        elif place == "query" and (parameter.get("required") or _is_chosen(parameter)):
            query += [(name, _simple(one)) for one in (value if isinstance(value, list) else [value])]
        elif place == "header" and (parameter.get("required") or _is_chosen(parameter)):
            headers.append((name, _simple(value)))
        elif place == "cookie" and parameter.get("required"):
            headers.append(("cookie", f"{name}={_simple(value)}"))
    if "{" in path:
        raise NoExampleError(f"path parameter {path.partition('{')[2].partition('}')[0]}")
    kind, body, is_json = _body(examples, operation)
    if kind:
        headers.append(("content-type", kind))
    return Draft(
        method=method, path=path, query=tuple(query), headers=tuple(headers), body=body, is_json=is_json
    )


def _parameters(
    examples: Examples, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the parameters of an operation; its own replace those of its path."""
    found = {}
    for holder in (item, operation):
        listed = holder.get("parameters")
        for one in map(examples.resolved, listed if isinstance(listed, list) else []):
            found[one.get("name"), one.get("in")] = one
    return list(found.values())


def _is_chosen(parameter: Mapping[str, Any]) -> bool:
    """Return True for an optional parameter with an example of its own: a default is what happens without it."""
    return "example" in parameter or "examples" in parameter


def _body(examples: Examples, operation: Mapping[str, Any]) -> tuple[str, Any, bool]:
    """Return (content type, body, whether it is JSON) of the request; all empty without one."""
    if "requestBody" not in operation:
        return "", b"", False
    holder = examples.resolved(operation["requestBody"])
    content = holder.get("content")
    kinds = content if isinstance(content, dict) else {}
    kind = next((one for one in kinds if _is_json(one)), next(iter(kinds), ""))
    try:
        example = examples.of(kinds.get(kind, {}), "body")
    except NoExampleError:
        if holder.get("required"):
            raise
        return "", b"", False
    if _is_json(kind):
        return kind, example, True
    if isinstance(example, str):
        return kind, example.encode(), False
    if kind.startswith(FORM) and isinstance(example, dict):
        pairs = [(name, _simple(one)) for name, one in example.items()]
        return kind, urllib.parse.urlencode(pairs).encode(), False
    raise NoExampleError(f"body of type {kind} as text")


def _is_json(kind: str) -> bool:
    return kind.partition(";")[0].strip().endswith(("/json", "+json"))


def _simple(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_simple, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
