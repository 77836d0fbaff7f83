"""Call the target once and stamp it: the only reader of the clock around a call."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.model import Outcome

Invoke = Callable[[Any], tuple[int, int, int]]
"""event to (outcome, entered_ns, completed_ns); raises nothing that the target may raise."""


class Mark(Protocol):
    """Who wants to know at once when a call is entered; it may be asked before the call returns."""

    mark_ns: int


class Unmarked:
    """Nobody does."""

    __slots__ = ("mark_ns",)
    mark_ns: int


def make_invoke(
    call: Callable[[Any], Any],
    judge: Callable[[Any], Outcome] | None,
    now_ns: Callable[[], int],
    timeouts: tuple[type[BaseException], ...] = (TimeoutError,),
    mark: Mark | None = None,
) -> Invoke:
    """Return the stamped call of one operation.

    `judge` maps a result to an outcome and runs after the second stamp; None takes every result as completed.
    `timeouts` are the exceptions that mean `timed_out`; any other `Exception` means `failed`.
    """
    entering = mark or Unmarked()
    failed, timed_out, completed = int(Outcome.FAILED), int(Outcome.TIMED_OUT), int(Outcome.COMPLETED)

    def invoke(event: Any) -> tuple[int, int, int]:
        entering.mark_ns = entered_ns = now_ns()
        try:
            result = call(event)
        except timeouts:
            return timed_out, entered_ns, now_ns()
        except (Exception, SystemExit):  # noqa: BLE001 - whatever the target raises is its outcome
            return failed, entered_ns, now_ns()
        completed_ns = now_ns()
        return completed if judge is None else judge(result), entered_ns, completed_ns

    return invoke
