"""Read the requests that a browser or proxy has recorded (HAR 1.2)."""

import base64
import binascii
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.requests.lines import METHODS
from harness.requests.template import FORM, Draft, Template, operation_of

_REMEDY = "Export it again: in a browser, 'Save all as HAR' of its network panel"
_OF_THE_CONNECTION = {
    "connection", "content-length", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
"""Headers of one connection: the call has another, and its own length."""


class _Pair(msgspec.Struct, frozen=True):
    name: str
    value: str = ""


class _Post(msgspec.Struct, frozen=True, rename="camel"):
    mime_type: str = ""
    text: str = ""
    encoding: str = ""
    params: list[_Pair] = []


class _Sent(msgspec.Struct, frozen=True, rename="camel"):
    method: str
    url: str
    headers: list[_Pair] = []
    post_data: _Post | None = None


class _Received(msgspec.Struct, frozen=True):
    status: int = 0


class _Entry(msgspec.Struct, frozen=True):
    request: _Sent
    response: _Received = _Received()
    kind: str = msgspec.field(default="", name="_resourceType")
    start: str = msgspec.field(default="", name="startedDateTime")


class _Log(msgspec.Struct, frozen=True):
    entries: list[_Entry]


def read_har(document: Any, path: Path) -> tuple[list[Template], list[str]]:
    """Return the requests to one host, in their order, and a sentence on those left out.

    The host is that of the first page; without pages, that of the first request. A status of 4xx that was recorded is
    expected again. Raises `UsageError` for a document that is no HAR, and without requests.
    """
    entries, kept, host = _kept(document, path)
    templates = [_template(one, f"{path}: log.entries[{number}]") for number, one in kept]
    others = Counter(
        urllib.parse.urlsplit(one.request.url).netloc or f"{one.request.url.partition(':')[0]}: addresses"
        for one in entries
    )
    others.subtract([host] * len(kept))
    left_out = [f"{name} ({count})" for name, count in others.most_common() if count > 0]
    if not left_out:
        return templates, []
    shown = ", ".join(left_out[:5]) + (f" and {len(left_out) - 5} others" if len(left_out) > 5 else "")
    return templates, [
        f"{len(kept)} of {len(entries)} recorded requests are used: those to {host}, not {shown}"
    ]


def recorded_arrivals(document: Any, path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield number, start (ISO 8601) and operation of the same requests. Raises `UsageError` for one without a start."""
    for number, one in _kept(document, path)[1]:
        if not one.start:
            raise UsageError(
                "The entry has no startedDateTime", where=f"{path}: log.entries[{number}]", remedy=_REMEDY
            )
        path_of = urllib.parse.urlsplit(one.request.url).path or "/"
        yield number, one.start, operation_of(one.request.method.upper(), path_of)


def _kept(document: Any, path: Path) -> tuple[list[_Entry], list[tuple[int, _Entry]], str]:
    """Return all entries, those to the application's host with their numbers, and that host."""
    try:
        entries = msgspec.convert(document["log"], _Log).entries
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The HAR file cannot be used: {str(error).replace('`$', '`log')}",
            where=str(path),
            remedy=_REMEDY,
        ) from error
    fitting = [(number, one) for number, one in enumerate(entries) if _is_http(one)]
    if not fitting:
        raise UsageError("The HAR file has no HTTP request", where=str(path), remedy=_REMEDY)
    first = next((one for _, one in fitting if one.kind == "document"), fitting[0][1])
    host = urllib.parse.urlsplit(first.request.url).netloc
    kept = [(number, one) for number, one in fitting if urllib.parse.urlsplit(one.request.url).netloc == host]
    return entries, kept, host


def _is_http(entry: _Entry) -> bool:
    is_web = entry.request.url.startswith(("http://", "https://")) and entry.kind != "websocket"
    return is_web and entry.request.method.upper() in METHODS


def _template(entry: _Entry, where: str) -> Template:
    sent, url = entry.request, urllib.parse.urlsplit(entry.request.url)
    headers = tuple(
        (one.name, one.value)
        for one in sent.headers
        if not one.name.startswith(":") and one.name.lower() not in _OF_THE_CONNECTION
    )
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers = (("host", url.netloc), *headers)
    post = sent.post_data
    if post is not None and post.mime_type and "content-type" not in names:
        headers = (*headers, ("content-type", post.mime_type))
    path, method, status = url.path or "/", sent.method.upper(), entry.response.status
    draft = Draft(method=method, path=path, query=url.query, headers=headers, body=_body(post, where))
    return Template(
        where=where, operation=operation_of(method, path), draft=draft, literal=True,
        expect=frozenset({*range(100, 400), status}) if 400 <= status < 500 else None,
    )  # fmt: skip


def _body(post: _Post | None, where: str) -> bytes:
    if post is None:
        return b""
    if post.encoding == "base64":
        try:
            return base64.b64decode(post.text, validate=True)
        except binascii.Error as error:
            raise UsageError(f"The body is not base64: {error}", where=where, remedy=_REMEDY) from error
    if not post.text and post.params and post.mime_type.startswith(FORM):
        return urllib.parse.urlencode([(one.name, one.value) for one in post.params]).encode()
    return post.text.encode()
