"""The work of a greenlet: the call it belongs to or another holder, what has run for it, and where it waited.

The split keeps one for every greenlet that it knows; the waits keep their marks in it.
"""

from harness.table.heldby import DRIVER

Key = tuple[int, ...]
"""The ids of a stack's code objects, the leaf first; they are kept, so that none is another's."""
Charge = tuple[Key, int, int]
"""(stack, idle ns, busy ns)."""


class Waiting:
    """The waiting of one call; a call that has begun to wait has its marks set."""

    __slots__ = ("carried", "charges", "from_ns", "idle_from_ns", "parallel")

    def __init__(self) -> None:
        self.from_ns = 0
        """The clock less `run_ns` of the owner up to which all waiting is on stacks."""
        self.idle_from_ns = 0
        """The same of the loop's idle time."""
        self.carried = (0, 0)
        """(all, idle) ns that earlier calls of the operation left to be put on a stack."""
        self.charges: list[Charge] = []
        self.parallel: list[Charge] = []


class Owner:
    """What a greenlet works for; shared by all greenlets that work for one call."""

    __slots__ = ("garbage_ns", "holder", "is_shared", "root", "run_ns", "seen", "waiting")

    def __init__(self, holder: int = DRIVER, root: object = None) -> None:
        self.holder = holder
        """The number of the operation that is being called, or one of the special holders, which are negative."""
        self.root = root
        """The greenlet that makes the call; None where none is made, and once the call has returned."""
        self.is_shared = False
        """True once another greenlet works for the same call: it may do so after the call has returned."""
        self.run_ns = 0
        self.garbage_ns = 0
        """The part of `run_ns` that garbage was collected in."""
        self.seen: tuple[list[int], int, int] | None = None
        """All totals, `run_ns` and `garbage_ns` as they were when another could first run within the call; else None."""
        self.waiting = Waiting()
