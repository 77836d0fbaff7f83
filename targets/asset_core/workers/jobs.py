"""Run jobs: work that callers submit, wait for or poll."""

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from targets.asset_core.errors import CoreError, DeadlineError
from targets.asset_core.logs import log_error
from targets.asset_core.scope import Scope
from targets.asset_core.workers.item import Item, PoolState
from targets.asset_core.workers.kinds import Kind
from targets.asset_core.workers.pool import Pool
from targets.asset_core.workers.records import DONE, FAILED, QUEUED, RUNNING, JobRecords, JobView, problem_of
from targets.asset_core.workers.tools import Tools

LOG = logging.getLogger("asset_core.jobs")

JOB_LIMIT_S = 120.0
"""Deadline of a job without a waiting caller, in seconds."""

RECORD_S = 1.0
"""Time to record the end of a job, even past its deadline, in seconds."""

DRAIN_S = 5.0
"""Time that closing waits for started or queued work, in seconds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """One piece of work for a tenant. `data` has been checked."""

    id: str
    tenant: str
    name: str
    kind: Kind
    data: Any


class Jobs:
    """Pass orders to the pool of their kind and keep a record of each."""

    def __init__(
        self, pools: Mapping[str, Pool], tools: Tools, records: JobRecords, clock: Callable[[], float]
    ) -> None:
        self._pools = pools
        self._tools = tools
        self._records = records
        self._clock = clock
        self._asking = threading.Lock()

    def submit_once(self, order: Order, scope: Scope) -> JobView:
        """Submit an order like `submit`; but if the tenant has a job of this id, return that one, in its current state.

        Two concurrent requests find one job, too: one of them waits while the other checks and queues.
        """
        with scope.holding(self._asking, "the request's time ran out while other jobs were queued"):
            return self.get(order.tenant, order.id, scope) or self.submit(order, scope)

    def submit(self, order: Order, scope: Scope) -> JobView:
        """Queue an order and return at once; the work may take two minutes.

        In Lambda a process is frozen between requests, together with such work: the caller should wait for it there.

        Raises PoolFullError when the pool is full, StoreError when the record cannot be stored.
        """
        view = JobView(order.id, order.name, QUEUED)
        self._records.put(order.tenant, view, scope)
        try:
            self._queue(order, Scope(self._clock() + JOB_LIMIT_S, scope.tally, self._clock), noted=True)
        except CoreError:
            with contextlib.suppress(CoreError):
                self._records.remove(order.tenant, order.id, scope)
            raise
        return view

    def run(self, order: Order, scope: Scope) -> JobView:
        """Execute an order and return its result. Raises PoolFullError, DeadlineError, and the errors of the work."""
        future = self._queue(order, scope, noted=False)
        try:
            error = future.exception(scope.allow())
        except TimeoutError as late:
            raise DeadlineError("the request's time ran out before the work was done") from late
        finally:
            # Work that has not begun by now is skipped; running work ends by the shared deadline.
            future.cancel()
        if error is None:
            return JobView(order.id, order.name, DONE, future.result())
        raise error if isinstance(error, Exception) else RuntimeError("the work was ended") from error

    def get(self, tenant: str, job_id: str, scope: Scope) -> JobView | None:
        """Return a job of the tenant, or None. Raises StoreError, DeadlineError."""
        return self._records.get(tenant, job_id, scope)

    def states(self) -> list[PoolState]:
        """Return the state of each pool."""
        return [pool.state() for pool in self._pools.values()]

    def close(self) -> None:
        """Accept no more work; existing work is done or, after a while, fails."""
        for pool in self._pools.values():
            pool.close(DRAIN_S)

    def _queue(self, order: Order, scope: Scope, *, noted: bool) -> concurrent.futures.Future[Any]:
        def work(_item: Item) -> Any:
            if noted:
                self._note(order, JobView(order.id, order.name, RUNNING), scope)
            with self._tools.tracker.watch(order.name):
                result = order.kind.run(self._tools, order.tenant, order.data, scope)
            self._note(order, JobView(order.id, order.name, DONE, result), scope)
            return result

        item = Item(order.id, order.name, order.data, order.tenant, scope, work)
        self._pools[order.kind.pool].submit(item)
        if noted:
            # Failed, skipped or dropped: no other code records it.
            item.future.add_done_callback(lambda future: self._note_failure(order, future, scope))
        return item.future

    def _note_failure(self, order: Order, future: concurrent.futures.Future[Any], scope: Scope) -> None:
        error = future.exception()
        if error is not None:
            log_error(LOG, f"job {order.id} ({order.name}) failed", error, logging.WARNING)
            self._note(order, JobView(order.id, order.name, FAILED, error=problem_of(error)), scope)

    def _note(self, order: Order, view: JobView, scope: Scope) -> None:
        self._records.keep(order.tenant, view, scope.at_least(RECORD_S))


def make_job_id(tenant: str, key: str | None) -> str:
    """Return a new id; the same for the same key of a tenant, so that a repeated request is the same job."""
    if key is None:
        return uuid.uuid4().hex
    return hashlib.blake2b(f"{tenant}/{key}".encode(), digest_size=16).hexdigest()
