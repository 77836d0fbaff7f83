"""Read the Lambda functions of an AWS SAM or CloudFormation template.

Only plain mappings of the template are read (`Key: value`, nested by indentation, and `{key: value}`): they hold handlers,
folders of code and routes. Lists, tags such as `!Ref` and texts over several lines are skipped.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from harness.storage import files

NAMES = ("template.yaml", "template.yml", "sam.yaml", "sam.yml")
_LINE = re.compile(
    r"(?P<indent> *)(?P<key>'[^']*'|\"[^\"]*\"|[^\s'\"#\[\]{},:-][^\s:]*):(?:\s+(?P<value>\S.*?))?\s*$"
)
_PAIR = re.compile(r"('[^']*'|\"[^\"]*\"|[^\s:,{}'\"]+)\s*:\s+('[^']*'|\"[^\"]*\"|[^,{}]*)")
_COMMENT = re.compile(r"\s+#.*$")
_FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
_ROUTED = ("Api", "HttpApi")
_ANY = ("any", "x-amazon-apigateway-any-method")


@dataclasses.dataclass(frozen=True, slots=True)
class ApiRoute:
    """A route of API Gateway: of an HTTP API, whose events have format 2.0, or of a REST API."""

    method: str
    path: str
    is_http_api: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class LambdaFunction:
    """A function of a template: the folder of its code, the file and the name of its handler, and its routes."""

    name: str
    code: Path
    file: Path
    handler: str
    routes: tuple[ApiRoute, ...]


def find_functions(project: Path) -> list[LambdaFunction]:
    """Return the Python functions of the project's template whose code is in the project; none without a template."""
    for name in NAMES:
        try:
            text = files.read_text(project / name)
        except (OSError, UnicodeDecodeError):
            continue
        return list(_functions(parse(text), project))
    return []


def _functions(template: Mapping[str, Any], project: Path) -> Iterator[LambdaFunction]:
    usual = _mapping(_mapping(template, "Globals"), "Function")
    for name, resource in _mapping(template, "Resources").items():
        if not isinstance(resource, dict) or resource.get("Type") not in _FUNCTIONS:
            continue
        own = {**usual, **_mapping(resource, "Properties")}
        handler, code = own.get("Handler"), own.get("CodeUri") or own.get("Code") or "."
        if not isinstance(handler, str) or not isinstance(code, str):
            continue
        module, _, function = handler.rpartition(".")
        file = PurePosixPath(code, *re.split(r"[./]", module or "none")).with_suffix(".py")
        is_inside = not file.is_absolute() and ".." not in file.parts
        if function.isidentifier() and is_inside and (project / file).is_file():
            yield LambdaFunction(
                name, Path(code), Path(file), function, tuple(_routes(_mapping(own, "Events")))
            )


def _routes(events: Mapping[str, Any]) -> Iterator[ApiRoute]:
    for event in events.values():
        if isinstance(event, dict) and event.get("Type") in _ROUTED:
            properties = _mapping(event, "Properties")
            method, path = properties.get("Method"), properties.get("Path")
            if isinstance(method, str) and isinstance(path, str):
                usual = "GET" if method.lower() in _ANY else method.upper()
                yield ApiRoute(usual, path, event["Type"] == _ROUTED[1])


def _mapping(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def parse(text: str) -> dict[str, Any]:
    """Return the mappings of a YAML text."""
    top: dict[str, Any] = {}
    open_tables = [(-1, top)]
    for line in text.splitlines():
        found = _LINE.match(_COMMENT.sub("", line))
        if found is None:
            continue
        indent, key, value = len(found["indent"]), found["key"].strip("'\""), found["value"]
        while open_tables[-1][0] >= indent:
            open_tables.pop()
        inner = _value(value)
        open_tables[-1][1][key] = inner
        # The lines of a text over several lines look like keys below this one; nobody reads them there.
        open_tables.append((indent, inner if isinstance(inner, dict) else {}))
    return top


def _value(text: str | None) -> Any:
    if text is None or text[0] in "|>":
        return {}
    if text.startswith("{"):
        return {key.strip("'\""): value.strip().strip("'\"") for key, value in _PAIR.findall(text[1:])}
    return text.strip("'\"")
