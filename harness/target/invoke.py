"""Call the target once and stamp it: the only reader of the clock around a call."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.model import Outcome
from harness.target.failures import Failures

Invoke = Callable[[Any], tuple[int, int, int, Any]]
"""Function from an event to (outcome, entered_ns, completed_ns, answer). It raises only what `vet` raises.

A call that returned has `completed` until its answer is judged. The answer is None if the call raised.
"""
Vet = Callable[[BaseException], None]
"""Function that raises for an exception which is not an outcome of the call: it ends the greenlet or refuses the target."""


def take_all(_error: BaseException) -> None:
    """Take every exception as the target's own."""


class Mark(Protocol):
    """Receiver of the entry time of a call, told at once so that it can be read before the call returns."""

    mark_ns: int


class Unmarked:
    """Receiver that ignores the entry time."""

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

    `timeouts` are the exceptions that mean `timed_out`; any other, including a `BaseException`, means `failed` unless
    `vet` raises. `failures` notes the reason.
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
