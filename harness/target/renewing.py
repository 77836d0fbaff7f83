"""Give each call its event as it was made, whatever earlier calls did to theirs.

A plan is longer than its pool of events, so events are used again. Immutable events are shared. A structure of plain
containers is compared with a pristine copy after its call and copied anew if it differs: comparing costs a tenth of
copying. An event that can be used up without a visible difference (a buffer, an iterator) is copied for each call. An
event that cannot be copied safely is made by `make_event` for each call.
"""

import array
import collections
import copy
import datetime as dt
import decimal
import enum
import fractions
import functools
import io
import pathlib
import re
import sys
import types
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

_LEAVES: frozenset[type] = frozenset({
    type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, frozenset, dt.date, dt.time, dt.datetime,
    dt.timedelta, dt.timezone, decimal.Decimal, fractions.Fraction, uuid.UUID, re.Pattern, pathlib.PosixPath,
    pathlib.PurePosixPath, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType,
    functools.partial,
})  # fmt: skip
"""Types whose values no call changes: immutable data, and code."""
_COMPARED: frozenset[type] = frozenset(
    {dict, list, set, bytearray, collections.OrderedDict, collections.deque, array.array}
)
_WITH_ITERATORS: tuple[Iterable[Any], ...] = ([], (), "", "é", b"", range(0))
_USED_UP: frozenset[type] = frozenset({io.BytesIO, io.StringIO, *map(type, map(iter, _WITH_ITERATORS))})


_LARGE_BYTES = 1_000


class Nature(enum.IntEnum):
    """Kinds of change that a call can make to an event, from none to any."""

    SHARED = 0
    COMPARED = 1
    USED_UP = 2
    UNKNOWN = 3


class Renewable:
    """One event of a pool. `take` it before a call and `give_back` it afterwards, both outside the call's stamps."""

    __slots__ = ("_fresh", "_pristine", "_ready", "changed")

    def __init__(self, event: Any, fresh: Callable[[], Any], *, pristine: Any = None) -> None:
        """Keep an event; `fresh` returns an equal new one. With `pristine`, the event is used again while it equals that copy."""
        self._ready = event
        self._fresh = fresh
        self._pristine = pristine
        self.changed = 0
        """Number of calls that changed their event."""

    @property
    def is_used_up(self) -> bool:
        """True if calls change the event: then each call needs a new one."""
        return self._pristine is None or self.changed > 0

    def take(self) -> Any:
        """Return the event for one call, or a new one if the last one has not been given back."""
        event, self._ready = self._ready, None
        return self._fresh() if event is None else event

    def give_back(self, event: Any) -> None:
        """Prepare the event for the next call. Raises what `fresh` raises; the next call then gets the used event."""
        ready = event
        try:
            if self._pristine is None:
                ready = self._fresh()
            elif event != self._pristine:
                self.changed += 1
                ready = self._fresh()
        finally:
            # Only now: another thread may take it at any moment.
            self._ready = ready


def taken(event: Any) -> Any:
    """Return the event for a call from an entry of a pool: a `Renewable`, or an event that is shared."""
    return event.take() if type(event) is Renewable else event


def give_back(entry: Any, event: Any) -> None:
    """Give back the event of an entry after its call."""
    if type(entry) is Renewable:
        entry.give_back(event)


def events_changed(pools: Iterable[Iterable[Any]]) -> int:
    """Return the number of calls that changed their event."""
    entries = {id(entry): entry for pool in pools for entry in pool if type(entry) is Renewable}
    return sum(entry.changed for entry in entries.values())


class Look:
    """A walk through the events of a pool that finds the nature of each and the bytes of all."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._large: set[int] = set()
        self._natures: dict[int, Nature] = {}

    def at(self, event: Any) -> Nature:
        """Return the nature of an event, which must live as long as this look."""
        self._natures.clear()
        return self._at(event)

    def _at(self, value: Any) -> Nature:
        kind = type(value)
        if (known := self._natures.get(id(value))) is not None:
            # A container that occurs twice in an event, or in itself: copying would make two of one.
            return known and Nature.UNKNOWN
        self._natures[id(value)] = Nature.UNKNOWN
        self._weigh(value)
        nature = Nature.SHARED if _is_leaf(value, kind) else self._of_structure(value, kind)
        self._natures[id(value)] = nature
        return nature

    def _of_structure(self, value: Any, kind: type) -> Nature:
        if kind in _USED_UP:
            return Nature.USED_UP
        inner = _inside(value, kind)
        if inner is None:
            for one in getattr(value, "__dict__", {}).values():
                self._weigh(one)
            return Nature.UNKNOWN
        worst = max(map(self._at, inner), default=Nature.SHARED)
        if kind in _COMPARED:
            return max(worst, Nature.COMPARED)
        return worst if worst is Nature.SHARED or kind is tuple else Nature.UNKNOWN

    def _weigh(self, value: Any) -> None:
        size_bytes = sys.getsizeof(value, 0)
        if size_bytes > _LARGE_BYTES:
            # All events may share one text: count it once.
            if id(value) in self._large:
                return
            self._large.add(id(value))
        self.size_bytes += size_bytes


def renewable(event: Any, nature: Nature) -> Any:
    """Return the pool entry of an event of known structure: the event itself if it can be shared."""
    if nature is Nature.SHARED:
        return event
    pristine = _copied(event)
    fresh = functools.partial(_copied, pristine)
    return Renewable(event, fresh, pristine=pristine if nature is Nature.COMPARED else None)


def _is_leaf(value: Any, kind: type) -> bool:
    return kind in _LEAVES or isinstance(value, type | enum.Enum)


def _inside(value: Any, kind: type) -> list[Any] | None:
    """Return the values inside a value of known structure; None for any other value."""
    if kind in {dict, collections.OrderedDict}:
        return [*value.keys(), *value.values()]
    if kind in {list, set, collections.deque, tuple}:
        return list(value)
    if kind in {bytearray, array.array}:
        return []
    names = _frozen_fields(kind)
    return None if names is None else [getattr(value, name) for name in names if hasattr(value, name)]


def _frozen_fields(kind: type) -> Iterable[str] | None:
    """Return the field names of an immutable record type; None for any other type."""
    if issubclass(kind, tuple):
        return getattr(kind, "_fields", None)
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__ if kind.__struct_config__.frozen else None
    parameters = getattr(kind, "__dataclass_params__", None)
    return kind.__dataclass_fields__ if parameters and parameters.frozen else None  # type: ignore[attr-defined]


def _copied(value: Any) -> Any:
    """Return a copy of a compared or used-up structure; the copy shares the immutable values."""
    kind = type(value)
    if kind is dict:
        return {key: _copied(one) if type(one) not in _LEAVES else one for key, one in value.items()}
    if kind is list:
        return [_copied(one) if type(one) not in _LEAVES else one for one in value]
    if kind is tuple:
        return tuple(map(_copied, value))
    if kind is collections.OrderedDict:
        return collections.OrderedDict((key, _copied(one)) for key, one in value.items())
    if kind is collections.deque:
        return collections.deque(map(_copied, value), value.maxlen)
    return copy.copy(value) if kind in _COMPARED or kind in _USED_UP else value
