"""Give the target the header `traceparent` of each call, for runs that ask for it."""

from collections.abc import Callable
from typing import Any

from harness.errors import UsageError
from harness.table.traces import HEADER, traceparent_of
from harness.target.invoke import Mark
from harness.target.loading import LoadedTarget

Traced = Callable[[Callable[[Any], Any], Mark], Callable[[Any], Any]]
"""Function from a call and the receiver of its entry times to the call whose event has the header of that moment."""


def make_traced(target: LoadedTarget, seed: int) -> Traced:
    """Return the function that makes calls with headers. Raises `UsageError` for a target that takes none.

    The header is made within the call: about 3 µs of its service.
    """
    add, traceparent = target.with_traceparent, traceparent_of(seed)
    if add is None:
        raise UsageError(
            f"The target takes no headers, so it cannot be given {HEADER}",
            remedy="Remove --traceparent, or give the target a method with_traceparent(event, value) that returns the event to call",
        )

    def traced(call: Callable[[Any], Any], mark: Mark) -> Callable[[Any], Any]:
        def call_traced(event: Any) -> Any:
            return call(add(event, traceparent(mark.mark_ns)))

        return call_traced

    return traced
