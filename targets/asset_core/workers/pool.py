"""A named pool of workers with a bounded queue: callers never wait, and no item is lost."""

import collections
import threading
import time
from collections.abc import Callable
from typing import Protocol

from targets.asset_core.errors import PoolFullError, StoreError
from targets.asset_core.executor import Wrap, identity
from targets.asset_core.workers.item import Item, PoolState, Served, serve

QUEUE_PER_WORKER = 2
CLOSED = "the workers have been shut down"


class Pool(Protocol):
    """A way to execute work."""

    def submit(self, item: Item) -> None:
        """Accept an item, or raise PoolFullError or StoreError at once; an accepted item's future is always settled."""

    def state(self) -> PoolState:
        """Return the present load of the pool and its totals."""

    def close(self, limit_s: float) -> None:
        """Accept no more items, complete present ones for `limit_s`, and fail the futures of the rest."""


class WorkerPool:
    """`workers` threads or greenlets, started on first use; the queue holds twice as many items.

    `wrap` binds the work to the call that submits it.
    """

    def __init__(self, name: str, workers: int, wrap: Wrap = identity) -> None:
        self.name = name
        self.workers = workers
        self._wrap = wrap
        self._changed = threading.Condition()
        self._queue: collections.deque[tuple[Item, Callable[[Item], str]]] = collections.deque()
        self._threads: list[threading.Thread] = []
        self._served = Served()
        self._active = 0
        self._closing = False

    def submit(self, item: Item) -> None:
        """Queue an item. Raises PoolFullError when the queue is full and no worker is free."""
        bound = self._wrap(serve)
        with self._changed:
            if self._closing:
                raise StoreError(CLOSED, where=self.name)
            if self._active + len(self._queue) >= self.workers * (1 + QUEUE_PER_WORKER):
                self._served.rejected += 1
                raise PoolFullError(self.name)
            self._queue.append((item, bound))
            if len(self._threads) < min(self.workers, self._active + len(self._queue)):
                self._start()
            self._changed.notify()

    def state(self) -> PoolState:
        """Return the pool's current state and totals."""
        with self._changed:
            return self._served.state(self.name, self.workers, queued=len(self._queue), active=self._active)

    def close(self, limit_s: float) -> None:
        """Accept no more work, process the rest for `limit_s`, and fail the futures of the remainder."""
        due_s = time.monotonic() + limit_s
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(due_s - time.monotonic(), 0.0))
        with self._changed:
            left, self._queue = list(self._queue), collections.deque()
        for item, _ in left:
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(StoreError(CLOSED, where=self.name))

    def _start(self) -> None:
        name = f"asset-core-{self.name}-{len(self._threads)}"
        thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _loop(self) -> None:
        while (taken := self._take()) is not None:
            item, bound = taken
            began_ns = time.perf_counter_ns()
            outcome = bound(item)
            ended_ns = time.perf_counter_ns()
            with self._changed:
                self._active -= 1
                self._served.count(
                    outcome=outcome, wait_ns=began_ns - item.queued_ns, work_ns=ended_ns - began_ns
                )

    def _take(self) -> tuple[Item, Callable[[Item], str]] | None:
        with self._changed:
            while not self._queue:
                if self._closing:
                    return None
                self._changed.wait()
            self._active += 1
            return self._queue.popleft()


class PerItem:
    """A thread or greenlet for each item, without a bound, as without pools."""

    def __init__(self, name: str, wrap: Wrap = identity) -> None:
        self.name = name
        self._wrap = wrap
        self._lock = threading.Lock()
        self._running: dict[threading.Thread, Item] = {}
        self._served = Served()
        self._closing = False

    def submit(self, item: Item) -> None:
        """Start the item at once."""
        bound = self._wrap(serve)
        thread = threading.Thread(target=lambda: self._run(item, bound), name=self.name, daemon=True)
        with self._lock:
            if self._closing:
                raise StoreError(CLOSED, where=self.name)
            self._running[thread] = item
        thread.start()

    def state(self) -> PoolState:
        """Return the running work and the totals."""
        with self._lock:
            return self._served.state(self.name, None, queued=0, active=len(self._running))

    def close(self, limit_s: float) -> None:
        """Accept no more work and wait for running work, for `limit_s`."""
        due_s = time.monotonic() + limit_s
        with self._lock:
            self._closing = True
            threads = list(self._running)
        for thread in threads:
            thread.join(max(due_s - time.monotonic(), 0.0))

    def _run(self, item: Item, bound: Callable[[Item], str]) -> None:
        began_ns = time.perf_counter_ns()
        outcome = bound(item)
        work_ns = time.perf_counter_ns() - began_ns
        with self._lock:
            del self._running[threading.current_thread()]
            self._served.count(outcome=outcome, wait_ns=began_ns - item.queued_ns, work_ns=work_ns)
