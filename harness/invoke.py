"""Call the target once and stamp it: the only reader of the clock around a call."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.failures import Failures
from harness.model import Outcome

Invoke = Callable[[Any], tuple[int, int, int, Any]]
"""event to (outcome, entered_ns, completed_ns, answer); raises nothing that the target may raise.

A call that came back has `completed` until its answer is judged. The answer is None where there is none.
"""


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
) -> Invoke:
    """Return the stamped call of one operation.

    `timeouts` are the exceptions that mean `timed_out`; any other `Exception` means `failed`. `failures` is told why.
    """
    why = failures or Failures()
    entering = mark or Unmarked()
    failed, timed_out, completed = int(Outcome.FAILED), int(Outcome.TIMED_OUT), int(Outcome.COMPLETED)

    def invoke(event: Any) -> tuple[int, int, int, Any]:
        entering.mark_ns = entered_ns = now_ns()
        try:
            result = call(event)
        except timeouts as error:
            completed_ns = now_ns()
            why.raised(error)
            return timed_out, entered_ns, completed_ns, None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the target raises is its outcome
            completed_ns = now_ns()
            why.raised(error)
            return failed, entered_ns, completed_ns, None
        return completed, entered_ns, now_ns(), result

    return invoke
