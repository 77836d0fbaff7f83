"""Distinguish an exception of the call itself from the one with which the driver ends its task."""

import asyncio
from collections.abc import Collection
from typing import Any

from harness.errors import RefusedError
from harness.load.trouble import causes

_PATIENCE_S = 1.0


class Vetting:
    """Filter of the exceptions that calls let out: it raises those that are not an outcome of the call."""

    def __init__(self) -> None:
        self.is_ending = False
        """True once the driver ends the calls that are still in flight."""

    def __call__(self, error: BaseException) -> None:
        """Raise `error` if it ends the run, or the call at the end of the run."""
        if isinstance(error, RefusedError):
            raise error
        if self.is_ending:
            for cause in causes(error):
                if isinstance(cause, asyncio.CancelledError | GeneratorExit):
                    raise cause

    async def end(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Cancel tasks in the middle of their calls, which stay unfinished. Waits at most a second for them."""
        self.is_ending = True
        for task in tasks:
            task.cancel()
        if tasks:
            _, stubborn = await asyncio.wait(tasks, timeout=_PATIENCE_S)
            for task in stubborn:
                # Closing the loop would wait for it without end.
                asyncio._unregister_task(task)  # noqa: SLF001 - documented for this
