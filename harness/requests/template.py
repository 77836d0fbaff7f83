"""A request as a file writes it, with placeholders, and the finished request or event that it becomes.

`{name}` is a value of the values file, `${NAME}` a secret of the environment. Both are filled in one pass, so that what
is filled in is not read again.
"""

import copy
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.requests.saving import PLACEHOLDER_NAME, Save

_HOLE = re.compile(rf"\$\{{(?P<secret>[A-Za-z_]\w*)\}}|\{{(?P<value>{PLACEHOLDER_NAME})\}}", re.ASCII)
_ID = re.compile(
    r"\d+"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|(?=[^\d]*\d)[0-9a-fA-F]{8,}"
    r"|(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9]{20,}"
)
_IN_PATH = "/%:@!$&'()*+,;=-._~"
_IN_QUERY = "/?%:@!$&'()*+,;=-._~[]"
FORM = "application/x-www-form-urlencoded"

Pairs = tuple[tuple[str, str], ...]
Holes = Mapping[str, str]
"""Values by the text of a placeholder without its braces: `name` or, for a secret, `$NAME`."""


class Request(msgspec.Struct, frozen=True):
    """One HTTP request, ready to be sent: `path` and `query` are percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request before its placeholders are filled. `body` is bytes, text, or with `is_json` any JSON value."""

    method: str = "GET"
    path: str = "/"
    query: str | Pairs = ""
    headers: Pairs = ()
    body: Any = b""
    is_json: bool = False

    def filled(self, holes: Holes) -> Request:
        """Return the request with its placeholders filled; those that `holes` lacks stay as they are."""
        headers = tuple((name.lower(), fill(value, holes)) for name, value in self.headers)
        body = _body(self, holes, dict(headers))
        names = {name for name, _ in headers}
        if "host" not in names:
            headers = (("host", "localhost"), *headers)
        if self.is_json and "content-type" not in names:
            headers = (*headers, ("content-type", "application/json"))
        if body and "content-length" not in names:
            headers = (*headers, ("content-length", str(len(body))))
        path = urllib.parse.quote(fill(self.path, holes, _quoted), safe=_IN_PATH)
        return Request(self.method, path, _query(self.query, holes), headers, body)


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a file of requests, found at `where`: an HTTP request (`draft`), or any JSON (`event`).

    `expect` are the statuses that do not count as failures; None for the usual ones. A `literal` entry has no placeholders.
    An entry that `is_step` makes its file a journey: it has values to `save`, or a pause before it.
    """

    where: str
    operation: str
    weight: float = 1.0
    expect: frozenset[int] | None = None
    draft: Draft | None = None
    event: Any = None
    literal: bool = False
    save: tuple[Save, ...] = ()
    pause_s: float | None = None
    is_step: bool = False
    has_weight: bool = False

    def filled(self, holes: Holes) -> Request:
        """Return the HTTP request with its placeholders filled."""
        assert self.draft is not None  # noqa: S101 - asked of HTTP requests alone
        return self.draft.filled({} if self.literal else holes)

    def event_filled(self, holes: Holes) -> Any:
        """Return a new event, with its placeholders filled: a call may change it."""
        return copy.deepcopy(self.event) if self.literal else fill_json(self.event, holes)

    @property
    def values(self) -> frozenset[str]:
        """Names of the values between braces, wherever they stand."""
        return frozenset(name for name, is_secret in self._holes() if not is_secret)

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the variables of the environment."""
        return frozenset(name for name, is_secret in self._holes() if is_secret)

    @property
    def needed(self) -> frozenset[str]:
        """Names of the values without which the request has no address: those in its path and query."""
        if self.literal or self.draft is None:
            return frozenset()
        return frozenset(
            name for name, is_secret in holes_in((self.draft.path, self.draft.query)) if not is_secret
        )

    def _holes(self) -> Iterator[tuple[str, bool]]:
        if self.literal:
            return iter(())
        draft = self.draft
        return holes_in(self.event if draft is None else (draft.path, draft.query, draft.headers, draft.body))


def is_placeholder(text: str) -> bool:
    """Return True for a text that is one placeholder of a value."""
    found = _HOLE.fullmatch(text)
    return found is not None and found["value"] is not None


def holes_in(value: Any) -> Iterator[tuple[str, bool]]:
    """Yield the name of each placeholder in a JSON value, and True for a secret."""
    if isinstance(value, str):
        for found in _HOLE.finditer(value):
            yield found["secret"] or found["value"], found["secret"] is not None
    elif isinstance(value, dict):
        for one in value.values():
            yield from holes_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from holes_in(one)


def fill(text: str, holes: Holes, encode: Callable[[str], str] = str) -> str:
    """Return `text` with the placeholders that `holes` has, each encoded by `encode`."""

    def value_of(found: re.Match[str]) -> str:
        value = holes.get(f"${found['secret']}" if found["secret"] else found["value"])
        return found[0] if value is None else encode(value)

    return _HOLE.sub(value_of, text)


def fill_json(value: Any, holes: Holes) -> Any:
    """Return a copy of a JSON value with the placeholders in its texts filled."""
    if isinstance(value, str):
        return fill(value, holes)
    if isinstance(value, dict):
        return {name: fill_json(one, holes) for name, one in value.items()}
    return [fill_json(one, holes) for one in value] if isinstance(value, list) else value


def operation_of(method: str, path: str) -> str:
    """Return `METHOD /path` with ids folded to `{id}`: numbers, UUIDs, hexadecimal and long mixed words."""
    parts = ["{id}" if _ID.fullmatch(part) else part for part in path.split("/")]
    return f"{method} {'/'.join(parts)}"


def split_target(target: str, where: str) -> tuple[str, str, str]:
    """Return (host, path, query) of a path or an address; the host of a path is empty. Raises `UsageError`."""
    try:
        parts = urllib.parse.urlsplit(target)
    except ValueError as error:
        raise UsageError(f"'{target:.80}' is not a path", where=where) from error
    path = parts.path or ("/" if parts.netloc else "")
    if not path.startswith("/"):
        raise UsageError(
            f"The path '{target:.80}' does not begin with a slash", where=where, remedy="Write it as /path"
        )
    return parts.netloc, path, parts.query


def _quoted(value: str) -> str:
    return urllib.parse.quote(value, safe="")


def _query(query: str | Pairs, holes: Holes) -> str:
    if isinstance(query, str):
        return urllib.parse.quote(fill(query, holes, urllib.parse.quote_plus), safe=_IN_QUERY)
    return urllib.parse.urlencode([(name, fill(value, holes)) for name, value in query])


def _body(draft: Draft, holes: Holes, headers: Mapping[str, str]) -> bytes:
    body = draft.body
    if draft.is_json:
        return msgspec.json.encode(fill_json(body, holes))
    if isinstance(body, bytes):
        return body
    is_form = headers.get("content-type", "").startswith(FORM)
    return fill(body, holes, urllib.parse.quote_plus if is_form else str).encode()
