"""The smallest applications, which answer 200 with two bytes: the floor for the cost of calling one."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
_BODY = {"type": "http.response.body", "body": b"ok"}


def wsgi(_environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request under WSGI."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


async def asgi(
    scope: Message, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer a request under ASGI; the lifespan is not supported."""
    if scope["type"] == "http":
        await send(_START)
        await send(_BODY)


def handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Answer an event of AWS Lambda."""
    return {"statusCode": 200, "body": "ok"}


TOKEN = b'{"token": "0123456789abcdef"}'
_COOKIE = "session=0123456789abcdef; Path=/; HttpOnly"
_LOGGED_IN = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"set-cookie", _COOKIE.encode())],
}


def wsgi_login(_environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request under WSGI with a token and a cookie."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Set-Cookie", _COOKIE)])
    return [TOKEN]


async def asgi_login(
    scope: Message, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer a request under ASGI with a token and a cookie; the lifespan is not supported."""
    if scope["type"] == "http":
        await send(_LOGGED_IN)
        await send({"type": "http.response.body", "body": TOKEN})


def login_handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Answer an event of AWS Lambda with a token and a cookie."""
    return {"statusCode": 200, "body": TOKEN.decode(), "headers": {"Set-Cookie": _COOKIE}}
