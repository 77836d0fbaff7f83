"""Take values out of responses: what a step of a journey saves for the steps after it.

A source is a JSON path into the body (`$.items[0].id`; `$['a name']` for other names), `header:NAME` or `cookie:NAME`.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.errors import UsageError

PLACEHOLDER_NAME = r"[A-Za-z_][\w.-]*"
# A quote after the colon: what follows a cookie's header is hidden in messages.
SOURCES = 'Sources are a JSON path such as $.items[0].id, or the name of a header or cookie after "header:" or "cookie:"'
_PART = re.compile(r"\.(?P<name>[\w-]+)|\[(?P<index>\d+)\]|\['(?P<quoted>[^']*)'\]")
_NAME = re.compile(PLACEHOLDER_NAME, re.ASCII)
_MISSING = object()
_KINDS: dict[type, str] = {dict: "an object", list: "a list"}


class Save(msgspec.Struct, frozen=True):
    """One saved value: its `name`, and its `source` as written. One of `path`, `header` and `cookie` says where it is."""

    name: str
    source: str
    path: tuple[str | int, ...] | None = None
    header: str = ""
    """Name in lower case."""
    cookie: str = ""

    def of_json(self, document: Any) -> tuple[str, str]:
        """Return the text at `path` of a JSON document, and the reason why there is none; one of them is empty."""
        found = document
        for part in self.path or ():
            found = _inside(found, part)
        if found is _MISSING or found is None:
            return "", self.missing(f"the body has nothing at {self.source}")
        if isinstance(found, str):
            return found, "" if found else self.missing(f"{self.source} is empty")
        if isinstance(found, bool | int | float):
            return msgspec.json.encode(found).decode(), ""
        return "", self.missing(
            f"{self.source} is {_KINDS.get(type(found), type(found).__name__)}, not a text or number"
        )

    def missing(self, why: str) -> str:
        """Return the reason of a failed call that gave no value to save. It has no colon, which could hide its end as a secret."""
        return f"could not save '{self.name}', because {why}"


def _inside(value: Any, part: str | int) -> Any:
    if isinstance(part, str):
        return value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value[part] if isinstance(value, list | tuple) and part < len(value) else _MISSING


def read_saves(sources: Mapping[str, str], where: str) -> tuple[Save, ...]:
    """Return the values that a step saves. Raises `UsageError` for a name or a source that cannot be used."""
    return tuple(_read(name, source, where) for name, source in sources.items())


def _read(name: str, source: str, where: str) -> Save:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name:.60}' cannot be the name of a saved value", where=where,
            remedy="Names have letters, digits, '_', '-' and '.', and begin with a letter",
        )  # fmt: skip
    kind, _, rest = source.partition(":")
    if kind == "header" and rest.strip():
        return Save(name, source, header=rest.strip().lower())
    if kind == "cookie" and rest.strip():
        return Save(name, source, cookie=rest.strip())
    path = _path(source)
    if path is None:
        raise UsageError(f"'{source:.60}' is no source of a saved value", where=where, remedy=SOURCES)
    return Save(name, source, path=path)


def _path(source: str) -> tuple[str | int, ...] | None:
    if not source.startswith("$"):
        return None
    parts: list[str | int] = []
    at = 1
    while at < len(source):
        found = _PART.match(source, at)
        if found is None:
            return None
        index = found["index"]
        parts.append(int(index) if index else found["quoted"] if found["name"] is None else found["name"])
        at = found.end()
    return tuple(parts)
