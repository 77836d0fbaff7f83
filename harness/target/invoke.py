"""Call the target once and stamp it: the only reader of the clock around a call."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.model import Outcome
from harness.target.failures import Failures

Invoke = Callable[[Any], tuple[int, int, int, Any]]
"""event to (outcome, entered_ns, completed_ns, answer); of what the target may raise, raises what `vet` does.

A call that came back has `completed` until its answer is judged. The answer is None where there is none.
"""
Vet = Callable[[BaseException], None]
"""Raises what is no outcome of the call that let an exception out: it ends the greenlet, or refuses the target."""


def take_all(_error: BaseException) -> None:
    """Take every exception as the target's own."""


class Mark(Protocol):
    """Who wants to know at once when a call is entered; it may be asked before the call returns."""

    mark_ns: int


class Unmarked:
    """Nobody does."""

    __slots__ = ("mark_ns",)
    mark_ns: int


def make_invoke(
    call: Callable[[Any], Any],
    now_ns: Callable[[], int],
    timeouts: tuple[type[BaseException], ...] = (TimeoutError,),
    mark: Mark | None = None,
    failures: Failures | None = None,
    *,
    vet: Vet = take_all,
) -> Invoke:
    """Return the stamped call of one operation.

    `timeouts` are the exceptions that mean `timed_out`; any other, a `BaseException` too, means `failed` unless `vet`
    raises. `failures` is told why.
    """
    why = failures or Failures()
    entering = mark or Unmarked()
    failed, timed_out, completed = int(Outcome.FAILED), int(Outcome.TIMED_OUT), int(Outcome.COMPLETED)

    def invoke(event: Any) -> tuple[int, int, int, Any]:
        entering.mark_ns = entered_ns = now_ns()
        try:
            result = call(event)
        except BaseException as error:  # noqa: BLE001 - whatever the target raises is its outcome
            completed_ns = now_ns()
            vet(error)
            why.raised(error)
            return timed_out if isinstance(error, timeouts) else failed, entered_ns, completed_ns, None
        return completed, entered_ns, now_ns(), result

    return invoke
