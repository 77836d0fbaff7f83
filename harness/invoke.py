"""Call the target once and stamp it: the only reader of the clock around a call."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.failures import Failures
from harness.model import Outcome
from harness.refusals import Results

Invoke = Callable[[Any], tuple[int, int, int]]
"""event to (outcome, entered_ns, completed_ns); raises `RefusedError`, and of what the target may raise nothing."""
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


def make_invoke(  # noqa: PLR0913 - what one call meets
    call: Callable[[Any], Any],
    judge: Callable[[Any], Outcome] | None,
    now_ns: Callable[[], int],
    timeouts: tuple[type[BaseException], ...] = (TimeoutError,),
    mark: Mark | None = None,
    failures: Failures | None = None,
    *,
    results: Results | None = None,
    vet: Vet = take_all,
) -> Invoke:
    """Return the stamped call of one operation.

    `judge` maps a result to an outcome and runs after the second stamp; None takes every result as completed.
    `timeouts` are the exceptions that mean `timed_out`; any other, a `BaseException` too, means `failed` unless `vet`
    raises. `failures` is told why. `results` are checked after the second stamp.
    """
    why, results = failures or Failures(), results or Results("call")
    finished, check = results.finished, results.check
    entering = mark or Unmarked()
    failed, timed_out, completed = int(Outcome.FAILED), int(Outcome.TIMED_OUT), int(Outcome.COMPLETED)

    def invoke(event: Any) -> tuple[int, int, int]:
        entering.mark_ns = entered_ns = now_ns()
        try:
            result = call(event)
        except BaseException as error:  # noqa: BLE001 - whatever the target raises is its outcome
            completed_ns = now_ns()
            vet(error)
            why.raised(error)
            return timed_out if isinstance(error, timeouts) else failed, entered_ns, completed_ns
        completed_ns = now_ns()
        if type(result) not in finished:
            check(result)
        if judge is None:
            return completed, entered_ns, completed_ns
        outcome = judge(result)
        if outcome != completed:
            why.answered(result)
        return outcome, entered_ns, completed_ns

    return invoke
