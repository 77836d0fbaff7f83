"""Describe the owner of a greenlet's work: a call or another holder, its running time, and where it waited.

The split keeps one owner for every greenlet that it knows; the waits keep their marks in it.
"""

from typing import Any

from harness.table.heldby import DRIVER

Key = tuple[int, ...]
"""Ids of a stack's code objects, the leaf first; the code objects stay referenced, so that ids stay unique."""
Charge = tuple[Key, int, int]
"""Waiting on one stack: (stack, idle ns, busy ns)."""


class Waiting:
    """The waiting of one call; its marks are set once the call has begun to wait."""

    __slots__ = ("carried", "charges", "from_ns", "idle_from_ns", "parallel")

    def __init__(self) -> None:
        self.from_ns = 0
        """Clock less `run_ns` of the owner, up to which all waiting is assigned to stacks."""
        self.idle_from_ns = 0
        """Idle time of the loop up to the same moment."""
        self.carried = (0, 0)
        """Waiting of earlier calls of the operation that is not yet assigned to a stack: (all, idle) ns."""
        self.charges: list[Charge] = []
        self.parallel: list[Charge] = []


class Owner:
    """The owner of the work of a greenlet or task, shared by all that work for one call."""

    __slots__ = ("context", "garbage_ns", "holder", "is_shared", "root", "run_ns", "seen", "waiting")

    def __init__(self, holder: int = DRIVER, root: Any = None) -> None:
        self.holder = holder
        """Number of the operation that is being called, or a special holder (negative)."""
        self.root = root
        """Greenlet or task that makes the call; None without a call and after the call has returned."""
        self.context: Any = None
        """Context in which that task runs; work for the call in any other context is of its child tasks and callbacks."""
        self.is_shared = False
        """True once another greenlet works for the same call; it may continue after the call has returned."""
        self.run_ns = 0
        self.garbage_ns = 0
        """Part of `run_ns` spent on garbage collection."""
        self.seen: tuple[list[int], int, int] | None = None
        """All totals, `run_ns` and `garbage_ns` at the moment when another greenlet could first run within the call; else None."""
        self.waiting = Waiting()
