"""Run the queries of one miss: concurrently on a shared pool, or one after the other."""

import asyncio
import concurrent.futures
import dataclasses
import functools
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from targets.asset_core.errors import DeadlineError
from targets.asset_core.scope import Scope

Task = Callable[[], Any]
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def identity(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` unchanged."""
    return function


class Executor(Protocol):
    """Runs the tasks of one request."""

    def run_all(self, tasks: Sequence[Task], scope: Scope) -> list[Any]:
        """Return the results in order; the first error is raised, the rest abandoned. DeadlineError on expiry."""

    def close(self) -> None:
        """Stop accepting tasks."""

    @property
    def left_over(self) -> int:
        """Number of abandoned tasks that still run."""


class InTurn:
    """Runs one task after the other, in the caller's own thread."""

    left_over = 0

    def run_all(self, tasks: Sequence[Task], scope: Scope) -> list[Any]:
        """Return the results in order; the first error ends the series."""
        return [_checked(task, scope) for task in tasks]

    def close(self) -> None:
        """Do nothing: this executor holds no resources."""


class AtOnce:
    """Runs tasks on one pool. `wrap` binds each function to the current call, for threads and greenlets alike.

    Calls must not nest: a task that waited for another task of the same pool could deadlock once all workers wait.
    A nested call is refused.
    """

    def __init__(self, workers: int, wrap: Wrap = identity, name: str = "fetch") -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix=f"asset-core-{name}")
        self._wrap = wrap
        self._lock = threading.Lock()
        self._jobs: set[_Job] = set()
        self._within = _Within()

    def run_all(self, tasks: Sequence[Task], scope: Scope) -> list[Any]:
        """Return the results in order; the first error cancels waiting tasks and abandons running ones."""
        pending = [self.submit(task) for task in tasks]
        futures = [each.future for each in pending]
        try:
            done, _ = concurrent.futures.wait(
                futures, timeout=scope.allow(), return_when=concurrent.futures.FIRST_EXCEPTION
            )
            error = _first_error(futures, done)
            if error is not None:
                raise error
            if len(done) < len(futures):
                raise DeadlineError("the request's time ran out while stores were asked")
            return [future.result() for future in futures]
        finally:
            self.abandon(pending)

    def submit(self, task: Task) -> "Pending":
        """Begin a task as soon as a worker is free. The caller must wait for the future or abandon it.

        Raises RuntimeError from within a task of this executor.
        """
        if self._within.task:
            raise RuntimeError("a task must not wait for another one of its own executor")
        job = _Job(task, self._within)
        return Pending(job, self._pool.submit(self._wrap(job)))

    def abandon(self, pending: "Iterable[Pending]") -> None:
        """Cancel waiting tasks, without waiting for running ones."""
        running = [each.job for each in pending if not each.future.done() and not each.future.cancel()]
        with self._lock:
            self._jobs = {job for job in self._jobs if not job.ended}.union(running)
        for job in running:
            job.kill()

    def close(self) -> None:
        """Cancel waiting tasks; running ones end by their own time-outs."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def left_over(self) -> int:
        """The number of abandoned tasks still running; at most the number of workers."""
        # The set is never changed, only replaced.
        return sum(not job.ended for job in self._jobs)


@dataclasses.dataclass(frozen=True, slots=True)
class Pending:
    """A submitted task."""

    job: "_Job"
    future: "concurrent.futures.Future[Any]"


class _Within(threading.local):
    """True while this thread or greenlet runs a task."""

    task = False


class _Job:
    """A task that knows its greenlet, so that it can be ended from outside. Threads cannot."""

    def __init__(self, task: Task, within: _Within) -> None:
        self._task = task
        self._within = within
        self._greenlet: Any = None
        self._lock = threading.Lock()
        self.ended = False

    def __call__(self) -> Any:
        self._greenlet = _running_greenlet()
        self._within.task = True
        try:
            return self._task()
        finally:
            self._within.task = False
            self.ended = True

    def kill(self) -> None:
        """End the task if a greenlet runs it; in a thread it runs to its own time-out."""
        greenlet = self._greenlet
        if greenlet is None or self.ended:
            return
        import gevent

        gevent.get_hub().loop.run_callback(functools.partial(self._throw, greenlet))

    def _throw(self, greenlet: Any) -> None:
        # This runs in the hub, which does not switch: if the task has not ended by now, the greenlet is still in it.
        # The Neo4j driver takes this exception as the order to drop the connection at once; the other clients
        # drop theirs for any BaseException, and the pool's worker takes it as the end of the task and continues.
        if not self.ended:
            greenlet.throw(asyncio.CancelledError)


def _running_greenlet() -> Any:
    """Return the greenlet that runs this, if threads are greenlets here; never imports gevent."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return None
    import greenlet

    return greenlet.getcurrent()


def _first_error(
    futures: "Sequence[concurrent.futures.Future[Any]]", done: "set[concurrent.futures.Future[Any]]"
) -> BaseException | None:
    errors = (future.exception() for future in futures if future in done)
    return next((error for error in errors if error is not None), None)


def _checked(task: Task, scope: Scope) -> Any:
    scope.check()
    return task()
