"""Find the call that code of an event loop works for, through the context in which it runs.

Each call puts a lease of its own into its context; child tasks, callbacks and threads inherit it with the context. A
lease holds the owner of the call while the call runs. After that it holds the owner of what calls of the operation
leave behind, so that late work is never taken for the next call of the same task.
"""

import asyncio
import collections
import contextvars
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from harness.load.owner import Owner
from harness.load.stretches import Stretches
from harness.profiles.stacks.marker import running
from harness.target.carrying import Runner

Lease = list[Owner]
"""One owner: a list, because making one takes 30 ns."""
CALL: contextvars.ContextVar[Lease | None] = contextvars.ContextVar("harness_lease", default=None)


def start_task(
    loop: asyncio.AbstractEventLoop,
    parent: contextvars.Context,
    function: Callable[[Owner], Coroutine[Any, Any, None]],
    owner: Owner | None = None,
) -> asyncio.Task[None]:
    """Start a task in which the driver makes calls, as the task of an owner, in a copy of the context `parent`.

    The owner is a new one, or one whose task has ended: making one takes 1 us. The loop's task factory is passed over: an eager one would run the function here, before it is on the loop.
    """
    owner, context = owner or Owner(), parent.copy()
    # Already its first step must find the owner.
    context.run(CALL.set, [owner])
    task = asyncio.Task(function(owner), loop=loop, context=context)
    owner.root, owner.context = task, context
    return task


def make_here(
    names: Sequence[str], split: Stretches | None, watched: Callable[[str, Runner], Runner]
) -> Callable[[], Runner | None]:
    """Return the function that finds the running call: its operation (for profilers) and the call (for the split).

    `watched` counts what the function that it returns runs in other threads.
    """

    def here() -> Runner | None:
        lease = CALL.get()
        if lease is None or lease[0].holder < 0:
            return None
        name = names[lease[0].holder]
        marker = watched(name, running(name))
        return split.lend(lease[0], marker) if split else marker

    return here


class Late:
    """The owners of what calls leave behind, and how many tasks that are. `names` are those of the operations, by number."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._counts: collections.Counter[str] = collections.Counter()
        self.owners: list[Owner] = []
        """Owner of late work by operation."""

    def expect(self) -> None:
        """Make an owner for each operation, before the first call."""
        self.owners[:] = map(Owner, range(len(self.names)))

    def run(self, owner: Owner, run: Callable[[Any], Any], handle: Any) -> None:
        """Run a handle that works for a call, other than the call's own steps, under the marker of its operation."""
        name = self.names[owner.holder]
        if owner.root is None:
            self._count(name, handle)
        running(name)(run, handle)

    def _count(self, name: str, handle: Any) -> None:
        task = getattr(handle._callback, "__self__", None)  # noqa: SLF001 - no public attribute says what a handle runs
        if isinstance(task, asyncio.Task) and task not in self._tasks:
            self._tasks.add(task)
            self._counts[name] += 1

    def found(self) -> dict[str, int]:
        """Return the number of tasks that ran on after their call had returned, by operation."""
        return dict(self._counts)

    def clear(self) -> None:
        """Begin to count anew."""
        self._counts.clear()
