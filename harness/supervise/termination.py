"""Turn SIGTERM and SIGHUP into an exception, so that `with` blocks end as on Ctrl-C."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


class TerminationError(KeyboardInterrupt):
    """A request to end this process. Handlers of Ctrl-C handle it too: no `except Exception` catches it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    raise TerminationError(number)


@contextlib.contextmanager
def termination_as_exception() -> Iterator[None]:
    """Raise TerminationError in the main thread at SIGTERM and SIGHUP, inside this block.

    Enter it in the main thread. An ignored signal (`nohup`) stays ignored.
    """
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
