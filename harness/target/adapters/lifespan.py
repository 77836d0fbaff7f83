"""Carry out the lifespan of an ASGI application: its start before the first call, its shutdown after the last.

The application runs its lifespan in one task of the target's event loop, which waits between the two. An application that
does not know the protocol is called without it.
"""

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any

from harness.errors import TargetError

Message = MutableMapping[str, Any]
_STARTED, _START_FAILED = "lifespan.startup.complete", "lifespan.startup.failed"
_ENDED, _END_FAILED = "lifespan.shutdown.complete", "lifespan.shutdown.failed"
_PATIENCE_S = 1.0


class Lifespan:
    """The lifespan of one application. `state` is what it wants in the scope of each request."""

    def __init__(self, application: Any, versions: Mapping[str, str]) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._versions = dict(versions)
        self._task: asyncio.Task[None] | None = None
        self._is_known = False
        """True once the application has asked for the first message of the protocol."""

    async def start(self) -> None:
        """Start the application. Raises `TargetError` if it supports the protocol and its start failed."""
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._told.put_nowait({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "asgi": self._versions, "state": self.state}
        self._task = asyncio.ensure_future(self._run(scope))
        said = await self._next()
        if said is None:
            error, self._task = self._task.exception(), None
            if error is not None and self._is_known and not isinstance(error, _UnknownError):
                raise TargetError(
                    f"The application's start (lifespan) failed: {type(error).__name__}: {error}",
                    remedy="Correct its lifespan",
                ) from error
        elif said["type"] == _START_FAILED:
            await _ended(self._task)
            self._task = None
            raise TargetError(
                f"The application's start (lifespan) failed: {_last_line(said)}",
                remedy="Correct its lifespan",
            )

    async def end(self) -> None:
        """Shut the application down. Raises `TargetError` if that fails."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        self._told.put_nowait({"type": "lifespan.shutdown"})
        said = await self._next_of(task)
        if said is not None and said["type"] == _END_FAILED:
            await _ended(task)
            raise TargetError(
                f"The application's shutdown (lifespan) failed: {_last_line(said)}",
                remedy="Correct its lifespan",
            )
        # The application returns after its last message.
        await task

    async def _run(self, scope: Message) -> None:
        await self._application(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        self._is_known = True
        return await self._told.get()

    async def _send(self, message: Message) -> None:
        if message["type"] not in {_STARTED, _START_FAILED, _ENDED, _END_FAILED}:
            raise _UnknownError
        self._said.put_nowait(message)

    async def _next(self) -> Message | None:
        assert self._task is not None  # noqa: S101 - it was just made
        return await self._next_of(self._task)

    async def _next_of(self, task: "asyncio.Task[None]") -> Message | None:
        """Return the next message of the application; None if it returned without one."""
        said = asyncio.ensure_future(self._said.get())
        await asyncio.wait({task, said}, return_when=asyncio.FIRST_COMPLETED)
        if said.done():
            return said.result()
        said.cancel()
        return self._said.get_nowait() if not self._said.empty() else None


async def _ended(task: "asyncio.Task[None]") -> None:
    """Wait for a task that has said how it failed, and which may raise that too."""
    await asyncio.wait([task], timeout=_PATIENCE_S)
    if task.done() and not task.cancelled():
        task.exception()


class _UnknownError(Exception):
    """The application answers the lifespan as it answers a request."""


def _last_line(message: Message) -> str:
    """Return the last line of a message: Starlette sends a whole traceback."""
    lines = [line for line in str(message.get("message", "")).splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it gave no message"
