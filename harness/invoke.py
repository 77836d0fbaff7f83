"""Call the target once and stamp it: the only reader of the clock around a call."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.failures import Failures
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
    failures: Failures | None = None,
) -> Invoke:
    """Return the stamped call of one operation.

    `judge` maps a result to an outcome and runs after the second stamp; None takes every result as completed.
    `timeouts` are the exceptions that mean `timed_out`; any other `Exception` means `failed`. `failures` is told why.
    """
    why = failures or Failures()
    entering = mark or Unmarked()
    failed, timed_out, completed = int(Outcome.FAILED), int(Outcome.TIMED_OUT), int(Outcome.COMPLETED)

    def invoke(event: Any) -> tuple[int, int, int]:
        entering.mark_ns = entered_ns = now_ns()
        try:
            result = call(event)
        except timeouts as error:
            completed_ns = now_ns()
            why.raised(error)
            return timed_out, entered_ns, completed_ns
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the target raises is its outcome
            completed_ns = now_ns()
            why.raised(error)
            return failed, entered_ns, completed_ns
        completed_ns = now_ns()
        if judge is None:
            return completed, entered_ns, completed_ns
        outcome = judge(result)
        if outcome != completed:
            why.answered(result)
        return outcome, entered_ns, completed_ns

    return invoke
