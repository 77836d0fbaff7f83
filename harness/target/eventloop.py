"""Keep the event loop of an asynchronous target: the one in which it is opened, called and closed."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from harness.errors import RefusedError

if TYPE_CHECKING:
    import asyncio


class EventLoop:
    """One asyncio event loop, made when it is first used: a process with a synchronous target makes none.

    `make` makes the loop; an engine that watches its loop sets it beforehand.
    """

    def __init__(self) -> None:
        self.make: Callable[[], asyncio.AbstractEventLoop] | None = None
        self._runner: asyncio.Runner | None = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Run the loop until `awaitable` is done and return its result; raise what it raises.

        Raises `RefusedError` if the loop is running: a hook between calls cannot be awaited.
        """
        import asyncio

        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - documented for other loops; `get_running_loop` raises
            if close := getattr(awaitable, "close", None):
                close()
            raise RefusedError(
                "An async method of the target would have to run between two calls, while the event loop is running",
                remedy="Make it a plain function; if it is make_event, return events that can be copied",
            )
        return self._made().run(_awaited(awaitable))

    @property
    def loop(self) -> "asyncio.AbstractEventLoop":
        """The loop itself."""
        return self._made().get_loop()

    def _made(self) -> "asyncio.Runner":
        import asyncio

        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=self.make)
        return self._runner

    def close(self) -> None:
        """Cancel the tasks that are left, and close the loop. Does nothing if the loop was never used."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
