"""Hear the supervisor's request to stop (SIGTERM) in the measured process, and in no process that the target forks from it."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def in_no_child() -> Iterator[None]:
    """Let children that are forked during the block treat SIGTERM as this process did before.

    Targets end their children by it: a `multiprocessing.Pool` would wait for ever for a worker that only noted the request.
    Set the handler within the block.
    """
    before = signal.getsignal(signal.SIGTERM)
    is_over = False
    masks: dict[int, set[Any]] = {}

    def wait() -> None:
        # A child may be ended before it has forgotten: the signal waits for that.
        if not is_over:
            masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def wait_no_more() -> None:
        if (mask := masks.pop(threading.get_ident(), None)) is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def forget() -> None:
        if threading.get_ident() in masks:
            # An event loop hears signals by this descriptor, which is its parent's too.
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, before)
            wait_no_more()

    os.register_at_fork(before=wait, after_in_parent=wait_no_more, after_in_child=forget)
    try:
        yield
    finally:
        is_over = True


@contextlib.contextmanager
def heard(ask_to_stop: Callable[[], object]) -> Iterator[None]:
    """Call `ask_to_stop` at SIGTERM during the block, in the main thread, between any two of its instructions."""
    with in_no_child():
        before = signal.signal(signal.SIGTERM, lambda _number, _frame: ask_to_stop())
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)
