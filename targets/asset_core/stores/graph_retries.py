"""Retry graph queries within their own time limit and that of the request, which the driver's retries ignore."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from targets.asset_core.scope import Scope

FIRST_PAUSE_S = 0.1
Result = TypeVar("Result")


def with_retries(
    work: Callable[[], Result],
    limit_s: float,
    scope: Scope,
    *,
    merges: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    rng: Callable[[float, float], float] = random.uniform,
) -> Result:
    """Return the result of `work`. Errors that the driver calls retryable are retried, for at most `limit_s`.

    This includes an error that leaves open whether the work was committed: every query here may run twice. If the work
    `merges`, a broken constraint is retried too: another writer has just made the node, and the next attempt finds it.
    Pauses are drawn from 0.1 s, doubling; a pause that would end after the limit or the deadline is skipped, and the
    error is raised at once.
    """
    from neo4j.exceptions import ConstraintError, DriverError, IncompleteCommit, Neo4jError

    also = (IncompleteCommit, ConstraintError) if merges else IncompleteCommit

    began_s = time.monotonic()
    longest_s = FIRST_PAUSE_S
    while True:
        try:
            return work()
        except (Neo4jError, DriverError) as error:
            pause_s = rng(longest_s / 2, longest_s)
            late = time.monotonic() - began_s + pause_s > limit_s or pause_s >= scope.remaining_s()
            if late or not (error.is_retryable() or isinstance(error, also)):
                raise
        sleep(pause_s)
        longest_s *= 2
