"""Fill the parts of a request that wait for values which a user saves on the way; everything else is prepared before.

A request is first filled with a mark for each saved value. The marks consist of letters and digits, so that no encoding
changes them, and where they stand in the finished texts the saved values are put in later, encoded as that place needs.
"""

import re
import secrets
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import msgspec

from harness.requests.template import FORM, Request, Template

Saved = Mapping[str, str]
"""Texts that a user has saved, by name."""
_MARK = f"saved{secrets.token_hex(8)}n"
_MARKED = re.compile(rf"{_MARK}(\d+)x")


def marks(names: Sequence[str]) -> dict[str, str]:
    """Return the mark of each saved value."""
    return {name: f"{_MARK}{number}x" for number, name in enumerate(names)}


class Blank:
    """A text with saved values in it, each encoded by one function."""

    __slots__ = ("_encode", "_first", "_rest")

    def __init__(self, first: str, rest: Sequence[tuple[str, str]], encode: Callable[[str], str]) -> None:
        self._first = first
        self._rest = rest
        self._encode = encode

    @classmethod
    def of(cls, text: str, names: Sequence[str], encode: Callable[[str], str] = str) -> Self | None:
        """Return the blank of a text with marks; None for a text without."""
        first, *others = _MARKED.split(text)
        if not others:
            return None
        numbers, texts = others[::2], others[1::2]
        return cls(first, [(names[int(n)], after) for n, after in zip(numbers, texts, strict=True)], encode)

    def fill(self, saved: Saved) -> str:
        """Return the text with the values that a user has saved."""
        text, encode = self._first, self._encode
        for name, after in self._rest:
            text += encode(saved[name]) + after
        return text


class LateRequest:
    """The parts of an HTTP request that wait for saved values; None for a part that does not.

    `request` is the request with marks, `headers` has the places of waiting headers among its own. A `length` is the place of
    the content-length header that a waiting body changes.
    """

    __slots__ = ("_address", "_path", "_query", "body", "has_target", "headers", "length", "request")

    def __init__(self, template: Template, request: Request, names: Sequence[str]) -> None:
        self.request = request
        self._path = Blank.of(request.path, names, _quoted)
        self._query = Blank.of(request.query, names, urllib.parse.quote_plus)
        # The whole path is an address that an earlier step has saved.
        self._address = None if request.path.startswith("/") else Blank.of(request.path, names)
        self.has_target = self._path is not None or self._query is not None
        found = ((at, Blank.of(value, names)) for at, (_, value) in enumerate(request.headers))
        self.headers = tuple((at, blank) for at, blank in found if blank is not None)
        self.body = Blank.of(request.body.decode(), names, _encoding(template, request))
        self.length = _own_length(template, request) if self.body else None

    @property
    def waits(self) -> bool:
        """Return True if any part waits for a saved value."""
        return self.has_target or bool(self.headers) or self.body is not None

    def target(self, saved: Saved) -> tuple[str, str]:
        """Return path and query, percent-encoded."""
        request = self.request
        query = self._query.fill(saved) if self._query else request.query
        if self._address is not None:
            parts = urllib.parse.urlsplit(self._address.fill(saved))
            path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
            return path, "&".join(filter(None, (parts.query, query)))
        return self._path.fill(saved) if self._path else request.path, query

    def filled(self, saved: Saved) -> Request:
        """Return the whole request."""
        request = self.request
        path, query = self.target(saved) if self.has_target else (request.path, request.query)
        body = self.body.fill(saved).encode() if self.body else request.body
        headers = list(request.headers)
        for at, blank in self.headers:
            headers[at] = (headers[at][0], blank.fill(saved))
        if self.length is not None:
            headers[self.length] = (headers[self.length][0], str(len(body)))
        return Request(request.method, path, query, tuple(headers), body)


def in_json(value: str) -> str:
    """Return a text as it stands between the quotes of a JSON text."""
    return msgspec.json.encode(value)[1:-1].decode()


def _quoted(value: str) -> str:
    return urllib.parse.quote(value, safe="")


def _encoding(template: Template, request: Request) -> Callable[[str], str]:
    if template.draft is not None and template.draft.is_json:
        return in_json
    is_form = any(name == "content-type" and value.startswith(FORM) for name, value in request.headers)
    return urllib.parse.quote_plus if is_form else str


def _own_length(template: Template, request: Request) -> int | None:
    """Return the place of the content-length header; None if the file gives it itself, which is sent as it is."""
    given = {name.lower() for name, _ in template.draft.headers} if template.draft else set()
    names = [name for name, _ in request.headers]
    return None if "content-length" in given else names.index("content-length")
