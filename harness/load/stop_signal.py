"""Hear the supervisor's request to stop, in a process that gevent has not patched."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def heard(ask_to_stop: Callable[[], object]) -> Iterator[None]:
    """Call `ask_to_stop` at SIGTERM during the block, in the main thread, between any two of its instructions.

    The target may fork meanwhile, and end its children by SIGTERM, which must end them as without the harness.
    """
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: ask_to_stop())
    is_over = False

    def forget() -> None:
        if not is_over:
            signal.signal(signal.SIGTERM, before)

    os.register_at_fork(after_in_child=forget)
    try:
        yield
    finally:
        is_over = True
        signal.signal(signal.SIGTERM, before)
