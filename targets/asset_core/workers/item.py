"""One piece of work with its deadline and its future, and its execution by a worker."""

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable
from typing import Any

from targets.asset_core.errors import DeadlineError
from targets.asset_core.scope import Scope


@dataclasses.dataclass(slots=True, eq=False)
class Item:
    """`scope` holds the deadline: after it has passed, the item is skipped. `work` is called with the item."""

    id: str
    kind: str
    data: Any
    tenant: str
    scope: Scope
    work: Callable[["Item"], Any]
    future: "concurrent.futures.Future[Any]" = dataclasses.field(default_factory=concurrent.futures.Future)
    queued_ns: int = dataclasses.field(default_factory=time.perf_counter_ns)


@dataclasses.dataclass(frozen=True, slots=True)
class PoolState:
    """A worker pool at one moment. `workers` of None means one worker per item."""

    name: str
    workers: int | None
    queued: int
    active: int
    done: int
    failed: int
    rejected: int
    skipped: int
    wait_ns: int
    work_ns: int


class Served:
    """Totals of a pool; callers hold the pool's lock around each change."""

    def __init__(self) -> None:
        self.done = self.failed = self.rejected = self.skipped = self.wait_ns = self.work_ns = 0

    def count(self, *, outcome: str, wait_ns: int, work_ns: int) -> None:
        """Count one item that ended as done, failed or skipped."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.wait_ns += wait_ns
        self.work_ns += work_ns

    def state(self, name: str, workers: int | None, *, queued: int, active: int) -> PoolState:
        """Return the totals with the pool's current state."""
        return PoolState(
            name=name,
            workers=workers,
            queued=queued,
            active=active,
            done=self.done,
            failed=self.failed,
            rejected=self.rejected,
            skipped=self.skipped,
            wait_ns=self.wait_ns,
            work_ns=self.work_ns,
        )


def serve(item: Item) -> str:
    """Do the work unless its deadline has passed, and settle the future; return done, failed or skipped.

    Raises nothing: an error of the work is the item's error.
    """
    if not item.future.set_running_or_notify_cancel():
        return "skipped"
    if item.scope.remaining_s() <= 0:
        item.future.set_exception(DeadlineError("the time for the work was used up before it began"))
        return "skipped"
    try:
        result = item.work(item)
    except BaseException as error:  # noqa: BLE001 (a worker outlives its items, and the caller gets the error)
        item.future.set_exception(error)
        return "failed"
    item.future.set_result(result)
    return "done"
