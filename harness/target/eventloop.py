"""Keep the event loop of an asynchronous target: the one in which it is opened, called and closed.

A slot loads this file by its path: it imports nothing of the harness unless it refuses something.
"""

import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_STOPPED = "Event loop stopped before Future completed."
"""Message of asyncio's error."""


class EventLoop:
    """One asyncio event loop, made when it is first used: a process with a synchronous target makes none.

    `make` makes the loop; an engine that watches its loop sets it beforehand.
    """

    def __init__(self) -> None:
        self.make: Callable[[], asyncio.AbstractEventLoop] | None = None
        self._runner: asyncio.Runner | None = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Run the loop until `awaitable` is done and return its result; raise what it raises.

        Raises `RefusedError` if the loop is running, because a hook between calls cannot be awaited, and if the loop is stopped.
        """
        if self.is_inside():
            if close := getattr(awaitable, "close", None):
                close()
            from harness.errors import RefusedError

            raise RefusedError(
                "An async method of the target would have to run between two calls, while the event loop is running",
                remedy="Make it a plain function; if it is make_event, return events that can be copied",
            )
        try:
            return self._made().run(_awaited(awaitable))
        except RuntimeError as error:
            if str(error) != _STOPPED:
                raise
            from harness.errors import RefusedError

            raise RefusedError(
                "The target stopped the event loop in which its calls are awaited",
                remedy="Remove its loop.stop(): a call ends by returning",
            ) from error

    @property
    def loop(self) -> "asyncio.AbstractEventLoop":
        """The loop itself."""
        return self._made().get_loop()

    def _made(self) -> "asyncio.Runner":
        import asyncio

        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=self.make)
        return self._runner

    @staticmethod
    def is_inside() -> bool:
        """Return True if an event loop runs in this thread, so that no other one can."""
        import asyncio

        return asyncio._get_running_loop() is not None  # noqa: SLF001 - documented for other loops; `get_running_loop` raises

    def run_to_end(self, coroutine: "Coroutine[Any, Any, None]") -> None:
        """Run the loop until `coroutine` is done, also if a task of the target raises what ends a loop, as SystemExit does."""
        import asyncio

        async def start() -> asyncio.Task[None]:
            return asyncio.create_task(coroutine)

        task = self.run(start())
        while True:
            try:
                self.run(task)
            except (SystemExit, KeyboardInterrupt):
                if task.done():
                    raise
            else:
                return

    def run_for(self, seconds: float) -> None:
        """Run the loop for some time: tasks that are left in it go on."""
        import asyncio

        self.run(asyncio.sleep(seconds))

    def has_tasks(self) -> bool:
        """Return True if tasks are left in the loop, which does not run."""
        import asyncio

        return self._runner is not None and bool(asyncio.all_tasks(self._runner.get_loop()))

    def close(self) -> None:
        """Cancel the tasks that are left, and close the loop. Does nothing if the loop was never used."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None


async def forget_cancellation() -> None:
    """Take back a cancellation that the call before has left to the current task: it would end a later call."""
    import asyncio

    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return
    while task.uncancel():
        pass
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
