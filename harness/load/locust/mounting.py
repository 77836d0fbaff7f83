"""Mount an application in Locust's own HTTP clients: requests to the host of the test call it in this process, without a socket.

A WSGI application is called in the greenlet of its user. An ASGI application is awaited in an event loop in a thread of its
own, since users are greenlets; the thread of the users waits for it as for a server.
"""

# Locust monkey-patches on import.
import locust  # noqa: F401  # isort: skip
import email.message
import functools
import http.client
import io
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from geventhttpclient.header import Headers
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession, LocustUserAgent
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse

from harness.errors import UsageError
from harness.load.locust.applications import Answer, Application, asgi, wsgi
from harness.requests.template import Request
from harness.target.importing import append_current_folder, load_object

_KINDS = {"wsgi": wsgi, "asgi": asgi}
_FORM = "application/x-www-form-urlencoded"


def application_of(spec: str) -> Application:
    """Return the application of `wsgi:module:app` or `asgi:module:app`. Raises `UsageError`."""
    kind, _, place = spec.partition(":")
    if kind not in _KINDS or not place:
        raise UsageError(
            f"'{spec}' names no application", remedy="Write --app wsgi:module:app or --app asgi:module:app"
        )
    append_current_folder()
    return _KINDS[kind](load_object(place), place)


def mount(application: Application) -> None:
    """Let every client of Locust's that is made from now on call the application for the host of its user."""
    HttpSession.__init__ = _with_adapter(HttpSession.__init__, _Adapter(application))
    FastHttpSession.__init__ = _with_agent(FastHttpSession.__init__, application)
    LocustUserAgent._urlopen = _around_urlopen(LocustUserAgent._urlopen)  # noqa: SLF001 - its only step with a socket


def _with_adapter(make: Any, adapter: BaseAdapter) -> Any:
    @functools.wraps(make)
    def made(session: Any, base_url: Any, *args: Any, **words: Any) -> None:
        make(session, base_url, *args, **words)
        session.mount("{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(session.base_url)), adapter)

    return made


def _with_agent(make: Any, application: Application) -> Any:
    @functools.wraps(make)
    def made(session: Any, base_url: Any, *args: Any, **words: Any) -> None:
        make(session, base_url, *args, **words)
        session.client._harness_application = application  # noqa: SLF001 - ours
        session.client._harness_host = urllib.parse.urlsplit(session.base_url or "").netloc  # noqa: SLF001

    return made


def _around_urlopen(urlopen: Any) -> Any:
    @functools.wraps(urlopen)
    def answered(agent: Any, request: Any) -> Any:
        application = getattr(agent, "_harness_application", None)
        if application is None or urllib.parse.urlsplit(request.url).netloc != agent._harness_host:  # noqa: SLF001
            return urlopen(agent, request)
        headers, payload = list(request.headers.items()), request.payload
        if isinstance(payload, Mapping):
            headers.append(("content-type", _FORM))
            payload = urllib.parse.urlencode(payload)
        answer = application(request_of(request.method, request.url, headers, payload))
        return agent.response_type(_FastAnswer(answer), request=request, sent_request="")

    return answered


def request_of(method: str, url: str, headers: Iterable[tuple[Any, Any]], body: Any) -> Request:
    """Return the request that a client would have sent."""
    parts = urllib.parse.urlsplit(url)
    content = _bytes_of(body)
    pairs = [(_text(name).lower(), _text(value)) for name, value in headers]
    names = {name for name, _ in pairs}
    if "host" not in names:
        pairs.append(("host", parts.netloc.rpartition("@")[2]))
    if content and "content-length" not in names:
        pairs.append(("content-length", str(len(content))))
    return Request(method.upper(), parts.path or "/", parts.query, tuple(pairs), content)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes_of(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray, str)):
        return body.encode() if isinstance(body, str) else bytes(body)
    if hasattr(body, "read"):
        return _bytes_of(body.read())
    return b"".join(_bytes_of(piece) for piece in body)


class _Adapter(BaseAdapter):
    """The transport of requests' sessions."""

    def __init__(self, application: Application) -> None:
        super().__init__()
        self._application = application
        self._builder = HTTPAdapter()

    def send(self, request: Any, *_: Any, **__: Any) -> Any:
        """Return the answer of the application."""
        answer = self._application(
            request_of(request.method, request.url, request.headers.items(), request.body)
        )
        raw = HTTPResponse(
            body=io.BytesIO(answer.body),
            headers=HTTPHeaderDict(answer.headers),
            status=answer.status,
            reason=answer.reason,
            preload_content=False,
            original_response=_Original(answer),  # type: ignore[arg-type]
        )
        return self._builder.build_response(request, raw)

    def close(self) -> None:
        """Do nothing: the application is every session's."""


class _Original:
    """The part of an answer from which requests reads cookies."""

    def __init__(self, answer: Answer) -> None:
        self.msg = email.message.Message()
        for name, value in answer.headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        pass


class _FastAnswer:
    """An answer, as far as FastHttpUser reads it."""

    def __init__(self, answer: Answer) -> None:
        self._status, self._body = answer.status, io.BytesIO(answer.body)
        self._headers_index = Headers()
        for name, value in answer.headers:
            self._headers_index.add(name, value)
        self._sent_request = ""
        self.headers = self._headers_index
        self.version = "HTTP/1.1"
        self.status_code, self.reason = (
            answer.status,
            answer.reason or http.client.responses.get(answer.status, ""),
        )
        self.length = len(answer.body)

    def get_code(self) -> int:
        return self._status

    def read(self, length: int | None = None) -> bytes:
        return self._body.read(length)

    def readline(self, *_: Any) -> bytes:
        return self._body.readline()

    def __iter__(self) -> Any:
        return iter(self._body)

    def release(self) -> None:
        pass
