"""Distinguish an exception of the call itself from one that ends its greenlet and from one that gevent's patches cause.

Locust patches the process: threads become greenlets of one thread, which has one event loop. A library that runs its own
loops or processes then fails because of the patches, and such failures must not count as the target's.
"""

import contextlib
import multiprocessing.pool
import sys
import weakref
from typing import Any

import gevent
from greenlet import greenlet

from harness.errors import RefusedError
from harness.load.trouble import causes

_THREADS = "Add --engine threads (in a SPEC: engine=threads): each call then runs in a thread of an unpatched process"
_OVERLAPS = (
    "cannot be called from a running event loop",
    "another loop is running",
    "event loop is already running",
    "Already running asyncio in this thread",
    "in the same thread as an async event loop",
    "cannot call this from an async context",
)
"""Messages of asyncio (`runners`, `base_events`), anyio, asgiref and Django if a loop already runs in the thread."""
_NO_EPOLL = "module 'select' has no attribute"


# gevent.Timeout is not an Exception: a target that lets one out has timed out.
TIMEOUTS: tuple[type[BaseException], ...] = (TimeoutError, gevent.Timeout)


class Vetting:
    """Filter of the exceptions that calls let out: it raises those that are not an outcome of the call.

    `ending` are the greenlets that the harness or Locust is about to kill: their exception is not an outcome of the call.
    With `interruptible`, Ctrl-C may surface in any call; else a KeyboardInterrupt is the target's own.
    """

    def __init__(self, *, interruptible: bool = False) -> None:
        self.ending: weakref.WeakSet[greenlet] = weakref.WeakSet()
        self._interruptible = interruptible

    def __call__(self, error: BaseException) -> None:
        """Raise `error` if it ends the greenlet, and `RefusedError` if the target cannot be measured under gevent."""
        if isinstance(error, RefusedError) or (self._interruptible and isinstance(error, KeyboardInterrupt)):
            raise error
        for cause in causes(error):
            if isinstance(cause, gevent.GreenletExit) and gevent.getcurrent() in self.ending:
                raise cause
            if isinstance(cause, Exception):
                _refuse(cause)

    def kill(self, greenlets: list[greenlet]) -> None:
        """Kill greenlets in the middle of their calls, which stay unfinished. Waits at most a second for each."""
        self.ending.update(greenlets)
        with contextlib.suppress(gevent.Timeout):
            gevent.killall(greenlets, block=True, timeout=1)


def _refuse(error: Exception) -> None:
    text = str(error.args[0]) if error.args and isinstance(error.args[0], str) else ""
    if any(said in text for said in _OVERLAPS) and _is_loop_running():
        raise RefusedError(
            "Overlapping calls cannot each run an asyncio event loop: gevent runs them in one thread, and a "
            f"thread runs one loop ({type(error).__name__}: {text})",
            remedy=_THREADS,
        ) from error
    if isinstance(error, AttributeError) and text.startswith(_NO_EPOLL):
        raise RefusedError(
            f"The target waits in a way that gevent's patches remove, as trio does ({text})",
            remedy=_THREADS,
        ) from error


def _is_loop_running() -> bool:
    """Return True if a loop runs in this thread. The loops of an ended call have ended, so it belongs to another call."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None  # noqa: SLF001 - asyncio documents it for other loops


def refuse_process_pools() -> None:
    """Make `multiprocessing.Pool` raise `RefusedError` in this process: under gevent's patches it would hang."""
    pool: Any = multiprocessing.pool.Pool
    make = pool.__init__

    def make_or_refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        if not isinstance(self, multiprocessing.pool.ThreadPool):
            # `__del__` reads it.
            self._state = None
            raise RefusedError(
                "The target makes a multiprocessing.Pool, which hangs under gevent's patches",
                remedy=_THREADS,
            )
        make(self, *args, **kwargs)

    pool.__init__ = make_or_refuse
