"""Answer HTTP requests by an application of this process, as a server does.

An exception of the application is an answer of 500, as a server gives it.
"""

# Locust monkey-patches on import.
import locust  # noqa: F401  # isort: skip
import asyncio
import collections
import http.client
import io
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import gevent
from gevent.event import AsyncResult
from gevent.monkey import get_original

from harness.load.locust.log import LOG
from harness.requests.template import Request
from harness.target.adapters.asgi import VERSIONS, encoded, scope_of
from harness.target.adapters.lifespan import Lifespan
from harness.target.adapters.web import check_application
from harness.target.adapters.wsgi import environ_of


class Answer(NamedTuple):
    """A whole answer of an application."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


Application = Callable[[Request], Answer]


def _failed(error: BaseException) -> Answer:
    LOG.warning("harness: The application raised %s: %s", type(error).__name__, error)
    return Answer(500, "Internal Server Error", [("content-type", "text/plain")], b"Internal Server Error")


def wsgi(application: Any, place: str) -> Application:
    """Return a WSGI application as a function. Raises `UsageError` if it is none."""
    check_application(f"wsgi:{place}", application, "wsgi", ("environ", "start_response"))

    def answer(request: Request) -> Answer:
        environ = {**environ_of(request), "wsgi.input": io.BytesIO(request.body)}
        started: list[Any] = []
        body: list[bytes] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
            if exc_info and body:
                raise exc_info[1].with_traceback(exc_info[2])
            started[:] = [status, list(headers)]
            return body.append

        try:
            chunks = application(environ, start_response)
            try:
                body.extend(chunks)
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
            status, headers = started
            code, _, reason = status.partition(" ")
            return Answer(int(code), reason, headers, b"".join(body))
        except Exception as error:  # noqa: BLE001 - the application's code
            return _failed(error)

    return answer


def asgi(application: Any, place: str) -> Application:
    """Return an ASGI application as a function, started with its lifespan. Raises `UsageError` if it is none or cannot start."""
    check_application(f"asgi:{place}", application, "asgi", ("scope", "receive", "send"))
    loop = LoopThread()
    lifespan = Lifespan(application, VERSIONS)
    loop.wait_for(lifespan.start())

    async def exchange(request: Request) -> Answer:
        scope = {**scope_of(request), "headers": [encoded(name, value) for name, value in request.headers]}
        if lifespan.state:
            scope["state"] = lifespan.state.copy()
        received = collections.deque([{"type": "http.request", "body": request.body, "more_body": False}])
        status, headers, body = 0, list[tuple[str, str]](), list[bytes]()

        async def receive() -> dict[str, Any]:
            if received:
                return received.popleft()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.extend(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
                )
            else:
                body.append(message.get("body", b""))

        await application(scope, receive, send)
        return Answer(status, http.client.responses.get(status, ""), headers, b"".join(body))

    def answer(request: Request) -> Answer:
        try:
            return loop.wait_for(exchange(request))  # type: ignore[no-any-return]
        except Exception as error:  # noqa: BLE001 - the application's code
            return _failed(error)

    return answer


class LoopThread:
    """An event loop in a real thread, for which greenlets wait without holding their own loop."""

    def __init__(self) -> None:
        self._done: collections.deque[tuple[AsyncResult, Any, BaseException | None]] = collections.deque()
        self._wake = gevent.get_hub().loop.async_()
        self._wake.start(self._hand_over)
        started = get_original("threading", "Event")()
        self._loop: asyncio.AbstractEventLoop
        get_original("threading", "Thread")(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    def _run(self, started: Any) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(started.set)
        self._loop.run_forever()

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what a coroutine returns in the loop's thread, or raise what it raises."""
        result = AsyncResult()

        def done(task: asyncio.Task[Any]) -> None:
            error = task.exception() if not task.cancelled() else asyncio.CancelledError()
            self._done.append((result, None if error else task.result(), error))
            self._wake.send()

        def begin() -> None:
            asyncio.ensure_future(coroutine).add_done_callback(done)

        self._loop.call_soon_threadsafe(begin)
        return result.get()

    def _hand_over(self) -> None:
        while self._done:
            result, value, error = self._done.popleft()
            if error is None:
                result.set(value)
            else:
                result.set_exception(error)
