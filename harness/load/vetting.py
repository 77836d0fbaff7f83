"""Tell what a call raised by itself from what ended its greenlet, and from what only gevent's patches made it raise.

Locust patches the process: threads are greenlets of one thread, and that has one event loop. A library that runs loops or
processes of its own then fails for a reason that is not the target's, and its failures must not be counted as such.
"""

import contextlib
import multiprocessing.pool
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import gevent
from greenlet import greenlet

from harness.errors import HarnessError, RefusedError

_ONE_USER = (
    "Use one user (harness run closed --users 1), or give the call a way without an event loop of its own"
)
_OVERLAPS = (
    "cannot be called from a running event loop",
    "another loop is running",
    "event loop is already running",
    "Already running asyncio in this thread",
    "in the same thread as an async event loop",
    "cannot call this from an async context",
)
"""What asyncio (`runners`, `base_events`), anyio, asgiref and Django say where a loop runs in the thread already."""
_NO_EPOLL = "module 'select' has no attribute"


# gevent.Timeout is no Exception: a target that lets one out has timed out.
TIMEOUTS: tuple[type[BaseException], ...] = (TimeoutError, gevent.Timeout)


class Vetting:
    """Raises what a call let out, if that is no outcome of the call.

    `ending` are the greenlets that the harness or Locust is about to kill: what kills them ends no call of the target's.
    Where `interruptible`, Ctrl-C may come up in any call; else a KeyboardInterrupt is the target's own.
    """

    def __init__(self, *, interruptible: bool = False) -> None:
        self.ending: weakref.WeakSet[greenlet] = weakref.WeakSet()
        self._interruptible = interruptible

    def __call__(self, error: BaseException) -> None:
        """Raise `error` if it ends the greenlet, and `RefusedError` if the target cannot be measured under gevent."""
        if isinstance(error, RefusedError) or (self._interruptible and isinstance(error, KeyboardInterrupt)):
            raise error
        for cause in _causes(error):
            if isinstance(cause, gevent.GreenletExit) and gevent.getcurrent() in self.ending:
                raise cause
            if isinstance(cause, Exception):
                _refuse(cause)

    def kill(self, greenlets: list[greenlet]) -> None:
        """End greenlets in the middle of their calls, which stay unfinished; not one may hold this up for over a second."""
        self.ending.update(greenlets)
        with contextlib.suppress(gevent.Timeout):
            gevent.killall(greenlets, block=True, timeout=1)


def as_trouble(error: Exception) -> HarnessError:
    """Return what came out of a greenlet that drives calls as an error of the family, for the run that it ends."""
    if isinstance(error, HarnessError):
        return error
    return HarnessError(
        f"The driver failed: {type(error).__name__}: {error}",
        remedy="Look at worker.log in the run directory, and report it",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _refuse(error: Exception) -> None:
    text = str(error.args[0]) if error.args and isinstance(error.args[0], str) else ""
    if any(said in text for said in _OVERLAPS) and _is_loop_running():
        raise RefusedError(
            "Calls that overlap cannot each run an asyncio event loop here: gevent makes one thread of them, and a "
            f"thread runs one loop ({type(error).__name__}: {text})",
            remedy=_ONE_USER,
        ) from error
    if isinstance(error, AttributeError) and text.startswith(_NO_EPOLL):
        raise RefusedError(
            f"The target waits in a way that gevent's patches take away, as trio does ({text})",
            remedy="Give the call a way without it, such as asyncio.run with one user (harness run closed --users 1)",
        ) from error


def _is_loop_running() -> bool:
    """Say whether a loop runs in this thread. Those of a call that has ended have ended: it is another call's."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None  # noqa: SLF001 - asyncio documents it for other loops


def refuse_process_pools() -> None:
    """Make `multiprocessing.Pool` raise `RefusedError` in this process: under gevent's patches it would hang."""
    pool: Any = multiprocessing.pool.Pool
    make = pool.__init__

    def make_or_refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        if not isinstance(self, multiprocessing.pool.ThreadPool):
            # For its `__del__`.
            self._state = None
            raise RefusedError(
                "The target makes a multiprocessing.Pool, which hangs under gevent's patches",
                remedy="Use concurrent.futures.ProcessPoolExecutor, or do the work in the call itself",
            )
        make(self, *args, **kwargs)

    pool.__init__ = make_or_refuse
