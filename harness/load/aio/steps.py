"""Split service time exactly by the handles of an event loop: each step of a task and each callback is one of them.

The hook replaces `asyncio.Handle._run`, through which a loop runs everything. Each handle has a context, which names the
call that it works for; without one it is the target's background work. So tasks and coroutines are not wrapped, and
behave as without the harness. The selector adds the idle time. The loop's own work between handles is the driver's.
"""

# ruff: noqa: SLF001 - handles of asyncio have no public attributes
import asyncio
import threading
from collections.abc import Callable
from typing import Any

from harness.load.aio.lease import CALL, Late
from harness.load.blocking import LONG_NS
from harness.load.owner import Owner
from harness.load.stretches import Stretches
from harness.table.heldby import BACKGROUND
from harness.target.carrying import Runner

Run = Callable[[Any], None]


_HANDLE: Any = asyncio.Handle


class Hook:
    """The replacement of the function through which event loops run their handles, in place while it is installed."""

    def __init__(self) -> None:
        self._before: Run | None = None
        self._mine: Run | None = None

    def install(self, make: Callable[[Run], Run]) -> None:
        """Replace the function by what `make` returns for it."""
        self._before = _HANDLE._run
        self._mine = _HANDLE._run = make(_HANDLE._run)

    def remove(self) -> None:
        """Put the function back, if it is still ours."""
        if self.is_ours:
            _HANDLE._run = self._before
        self._before = self._mine = None

    @property
    def is_on(self) -> bool:
        """True between `install` and `remove`."""
        return self._mine is not None

    @property
    def is_ours(self) -> bool:
        """True if the function is still the installed one."""
        return _HANDLE._run is self._mine


class Marking:
    """The hook of a run without a split: it only sets the markers that profilers find."""

    def __init__(self, late: Late) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        """The watched loop; handles of others run as they are."""
        self._late = late
        self._hook = Hook()

    def start(self) -> None:
        """Install the hook."""
        self._hook.install(self._make_hook)

    def stop(self) -> None:
        """Remove the hook."""
        self._hook.remove()

    def _make_hook(self, run: Run) -> Run:
        loop, late, lease_of = self.loop, self._late, CALL

        def marking(handle: Any) -> None:
            lease = handle._context.get(lease_of)
            if lease is None or handle._loop is not loop:
                run(handle)
                return
            owner = lease[0]
            if owner.holder >= 0 and owner.context is not handle._context:
                late.run(owner, run, handle)
            else:
                run(handle)

        return marking


class Steps(Stretches):
    """The hook and its totals."""

    def __init__(self, now_ns: Callable[[], int], late: Late) -> None:
        super().__init__(now_ns)
        self.loop: asyncio.AbstractEventLoop | None = None
        """The watched loop; None for a loop that cannot be watched."""
        self._late = late
        self._thread = threading.get_ident()
        self._running: Owner | None = None
        self._hook = Hook()
        self._was_taken = False

    def expect(self, operations: int) -> None:
        """Make room for this many operations, before the first call."""
        super().expect(operations)
        self._late.expect()

    def start(self) -> None:
        """Install the hook."""
        self.mark_ns = self._now_ns()
        self._hook.install(self._make_hook)

    def stop(self) -> None:
        """Remove the hook, if it is still ours."""
        self._was_taken = self.was_taken
        self._hook.remove()

    @property
    def was_taken(self) -> bool:
        """Return True if another tool has replaced the hook since `start`: then the split is wrong."""
        return self._was_taken or (self._hook.is_on and not self._hook.is_ours)

    def _make_hook(self, run: Run) -> Run:  # noqa: C901 - the hot path of the split
        loop, late, lease_of, now_ns, background = self.loop, self._late, CALL, self._now_ns, self._background

        def step(handle: Any) -> None:
            if handle._loop is not loop:
                run(handle)
                return
            lease = handle._context.get(lease_of)
            owner = background if lease is None else lease[0]
            outer, self._running = self._running, owner
            start_ns = now_ns()
            if outer is not None:
                # A loop that runs within a step of itself, which some libraries make possible.
                self._close(outer, start_ns)
            self.mark_ns = start_ns
            is_own = owner.context is handle._context or owner.holder < 0
            if owner.seen is not None and self.waits is not None and owner.holder >= 0:
                self._came_back(owner, handle, start_ns)
            try:
                if is_own:
                    run(handle)
                else:
                    late.run(owner, run, handle)
            finally:
                end_ns = now_ns()
                start_ns, self.mark_ns = self.mark_ns, end_ns
                self._running = outer
                holder, length_ns = owner.holder, end_ns - start_ns
                self.held[holder] += length_ns
                owner.run_ns += length_ns
                if holder >= BACKGROUND:
                    if owner.seen is None:
                        self._see(owner, end_ns)
                    if end_ns > self.due_ns:
                        self.holds.remember(start_ns, end_ns)
                    if length_ns > LONG_NS and self.blocking is not None:
                        self.blocking.held(holder, start_ns, end_ns)
                    if not is_own and self.waits is not None:
                        self._left(owner, handle, end_ns)

        return step

    def _came_back(self, owner: Owner, handle: Any, now_ns: int) -> None:
        assert self.waits is not None  # noqa: S101 - the hook has checked it; this tells mypy.
        if owner.context is handle._context:
            self.waits.came_back(owner, owner.root, now_ns)
        elif isinstance(task := getattr(handle._callback, "__self__", None), asyncio.Task):
            self.waits.came_back(owner, task, now_ns)

    def _left(self, owner: Owner, handle: Any, now_ns: int) -> None:
        assert self.waits is not None  # noqa: S101 - as above
        task = getattr(handle._callback, "__self__", None)
        if isinstance(task, asyncio.Task) and not task.done():
            self.waits.left(owner, task, now_ns)

    def collected(self, garbage_ns: int) -> None:
        """Count garbage collection that the target triggered in the running stretch."""
        if threading.get_ident() == self._thread and self._running is not None:
            self._collected_by(self._running, garbage_ns)

    def lend(self, owner: Owner, run: Runner) -> Runner:
        """Return `run`, wrapped to work for the owner of a call wherever the function runs in this loop.

        The hook cannot see work in another thread: its time counts as the call's waiting.
        """
        lease = CALL.get() or [owner]

        def run_lent(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread or self._running is None:
                return run(function, *args, **kwargs)
            previous, token = self._running, CALL.set(lease)
            self._change_owner(previous, lease[0])
            try:
                return run(function, *args, **kwargs)
            finally:
                self._change_owner(lease[0], previous)
                CALL.reset(token)

        return run_lent

    def _change_owner(self, before: Owner, after: Owner) -> None:
        if before is not after:
            self._part(before)
            self._running = after
