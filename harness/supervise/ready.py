"""Wait until a child is ready, and stop waiting if it has died."""

import time
from collections.abc import Callable

from harness.errors import ServerError
from harness.supervise.child import Child
from harness.supervise.ending import ending

POLL_S = 0.02


def ready_yet(child: Child, is_ready: Callable[[], bool], what: str) -> bool:
    """Return True if `child` is ready; `what` names it in a sentence.

    Raises ServerError with the tail of its log if the child has ended. Checks the child again after the question:
    another process on the same port may have answered it.
    """
    _require_alive(child, what)
    if not is_ready():
        return False
    _require_alive(child, what)
    return True


def wait_ready(child: Child, is_ready: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Return the seconds since its start once `is_ready` returns True; `is_ready` must not block for long.

    Raises ServerError with the tail of its log if the child ends before that, or is not ready in time.
    """
    deadline_s = time.monotonic() + timeout_s
    while not ready_yet(child, is_ready, what):
        if time.monotonic() >= deadline_s:
            raise not_ready(child, what, timeout_s)
        time.sleep(POLL_S)
    return time.monotonic() - child.started_s


def not_ready(child: Child, what: str, timeout_s: float) -> ServerError:
    """Return the error for a child that runs but was not ready in time."""
    return _error(child, f"{what} was not ready after {timeout_s:g} s")


def _require_alive(child: Child, what: str) -> None:
    code = child.poll()
    if code is not None:
        raise _error(child, f"{what} {ending(code)} during its start")


def _error(child: Child, what: str) -> ServerError:
    tail = child.log_tail()
    remedy = f"Its log ends with:\n{tail}" if tail else "Its log is empty."
    return ServerError(what, where=str(child.log), remedy=remedy)
