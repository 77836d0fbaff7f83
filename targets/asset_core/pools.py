"""Reuse objects: a returned object is reset, holds no reference to its former use, and pools are bounded.

Every pooled object carries its own flag, so that a double return is detected without a table of lent objects, and an
object that is never returned is simply collected.
"""

import collections
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

LIST_CAPACITY = 50
LIST_KEPT = 500
"""Capacity to which a longer list is cut on its return."""


class Reusable(Protocol):
    """An object that a pool can hold. `idle` belongs to the pool."""

    idle: bool

    def reset(self) -> None:
        """Drop all references from the object's last use."""


Kept = TypeVar("Kept", bound=Reusable)
Value = TypeVar("Value")


class ObjectPool(Generic[Kept]):
    """A pool of at most `limit` free objects; with 0 each object is new, and none is kept."""

    def __init__(self, make: Callable[[], Kept], limit: int) -> None:
        self.limit = limit
        self._make = make
        # A deque is bounded by itself, and several threads may use its ends at once.
        self._free: collections.deque[Kept] = collections.deque(maxlen=limit)

    def take(self) -> Kept:
        """Return an object in its initial state, a new one if none is free."""
        try:
            taken = self._free.pop()
        except IndexError:
            taken = self._make()
        taken.idle = False
        return taken

    def give(self, given: Kept) -> None:
        """Take an object back; raises ValueError if it was already returned."""
        if given.idle:
            raise ValueError(f"the {type(given).__name__} was given back before")
        given.idle = True
        given.reset()
        self._free.append(given)

    @contextlib.contextmanager
    def lend(self) -> Iterator[Kept]:
        """Lend an object for a block, and take it back at any end of the block."""
        taken = self.take()
        try:
            yield taken
        finally:
            self.give(taken)

    @property
    def free(self) -> int:
        """The number of objects available for reuse."""
        return len(self._free)


class Slab(Generic[Value]):
    """A list that stays allocated: overwritten from the start and read up to `count`."""

    __slots__ = ("_slots", "count", "idle")

    def __init__(self) -> None:
        self.idle = False
        self.count = 0
        self._slots: list[Value | None] = [None] * LIST_CAPACITY

    def fill(self, values: Sequence[Value]) -> None:
        """Replace the values; the list grows if necessary."""
        self._overwrite(values, len(values))

    def values(self) -> Iterable[Value]:
        """Return the values of the last `fill`; the next one overwrites them."""
        # Slots below `count` are never None.
        return self._slots[: self.count]  # type: ignore[return-value]

    def reset(self) -> None:
        """Remove the values, and cut back a list that has grown too far."""
        self._overwrite((), 0)
        del self._slots[LIST_KEPT:]

    @property
    def capacity(self) -> int:
        """The number of values that fit without growing."""
        return len(self._slots)

    def _overwrite(self, values: Sequence[Value], count: int) -> None:
        used = max(self.count - count, 0)
        self._slots[: count + used] = [*values, *[None] * used]
        self.count = count
