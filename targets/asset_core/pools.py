"""Objects that are used again: what is returned is reset, holds no reference to what it was used for, and is bounded.

Every pooled object carries its own flag, so that a double return is found without a table of what is lent, and an object
that is never returned is simply collected.
"""

import collections
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

LIST_CAPACITY = 50
LIST_KEPT = 500
"""A list that has grown beyond this is cut back to its capacity when it is returned."""


class Reusable(Protocol):
    """What a pool can hold. `idle` belongs to the pool."""

    idle: bool

    def reset(self) -> None:
        """Let go of everything that the object was used for."""


Kept = TypeVar("Kept", bound=Reusable)
Value = TypeVar("Value")


class ObjectPool(Generic[Kept]):
    """At most `limit` objects wait to be used again; with 0 each is new, and nothing is kept."""

    def __init__(self, make: Callable[[], Kept], limit: int) -> None:
        self.limit = limit
        self._make = make
        # Bounded by itself, and its ends may be used by several threads at once.
        self._free: collections.deque[Kept] = collections.deque(maxlen=limit)

    def take(self) -> Kept:
        """Return an object in its first state, new if none is free."""
        try:
            taken = self._free.pop()
        except IndexError:
            taken = self._make()
        taken.idle = False
        return taken

    def give(self, given: Kept) -> None:
        """Take an object back; ValueError if that was done before."""
        if given.idle:
            raise ValueError(f"the {type(given).__name__} was given back before")
        given.idle = True
        given.reset()
        self._free.append(given)

    @contextlib.contextmanager
    def lend(self) -> Iterator[Kept]:
        """Lend an object for a block; it comes back however the block ends."""
        taken = self.take()
        try:
            yield taken
        finally:
            self.give(taken)

    @property
    def free(self) -> int:
        """How many objects wait to be used again."""
        return len(self._free)


class Slab(Generic[Value]):
    """A list that stays allocated: overwritten from its beginning and read by count."""

    __slots__ = ("_slots", "count", "idle")

    def __init__(self) -> None:
        self.idle = False
        self.count = 0
        self._slots: list[Value | None] = [None] * LIST_CAPACITY

    def fill(self, values: Sequence[Value]) -> None:
        """Hold these values instead of those before; the list grows if it must."""
        self._overwrite(values, len(values))

    def values(self) -> Iterable[Value]:
        """Return the values held; they are those of `fill` until the next one."""
        # Below `count` there is no None.
        return self._slots[: self.count]  # type: ignore[return-value]

    def reset(self) -> None:
        """Hold nothing; what has grown too far is cut back."""
        self._overwrite((), 0)
        del self._slots[LIST_KEPT:]

    @property
    def capacity(self) -> int:
        """How many values it holds without growing."""
        return len(self._slots)

    def _overwrite(self, values: Sequence[Value], count: int) -> None:
        used = max(self.count - count, 0)
        self._slots[: count + used] = [*values, *[None] * used]
        self.count = count
