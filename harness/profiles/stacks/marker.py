"""The operation marker: a frame on every stack that names the operation the stack belongs to.

Profilers know functions, not operations. So the driver calls the target through a function whose code object has
the operation's name: py-spy from outside and memray from inside read the operation together with the stack.
The name is escaped, because a raw profile is text: a `;` would split the frame, and ` (` would start its file.
"""

import functools
import hashlib
import re
import types
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

MARKER_PREFIX = "operation:"
"""Prefix of a marker's name. No Python function in source can have a `:` in its name, so the prefix is unambiguous."""

_LONGEST_ESCAPED = 1000  # py-spy refuses to copy strings beyond 4,096 bytes and then loses the whole stack.
_UNSAFE = re.compile(r"[\\;(\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")

E = TypeVar("E")
R = TypeVar("R")


def marked(function: Callable[[E], R], operation: str) -> Callable[[E], R]:
    """Return a function of one event that calls `function` under the marker of `operation`.

    Costs one Python call each time: 25 to 35 ns on CPython 3.11. Make it once for each operation, not for each call.
    """
    return _bind(_one_argument(operation), function)


def marked_async(
    function: Callable[[E], Awaitable[R]], operation: str
) -> Callable[[E], Coroutine[Any, Any, R]]:
    """Return the same for an async function: the marker is on the stack at each step of the coroutine."""
    return _bind(_one_awaited(operation), function)


@functools.cache
def running(operation: str) -> Callable[..., Any]:
    """Return a function of (function, *args, **kwargs) that calls it under the marker of `operation`.

    Use it for work handed to another greenlet or thread. Make it once for each operation; a call costs about 90 ns.
    """

    def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return _renamed(call, operation)


def marker_name(operation: str) -> str:
    """Return the name of the marker's code object; `operation_of` is its inverse.

    A name that would be too long for the profilers is cut and ends in a digest, so that it stays unique.
    """
    escaped = _escape(operation)
    if len(escaped) > _LONGEST_ESCAPED:
        digest = hashlib.sha256(escaped.encode()).hexdigest()[:12]
        escaped = f"{_escape(operation[: _LONGEST_ESCAPED // 10])}…{digest}"
    return MARKER_PREFIX + escaped


def operation_of(function_name: str) -> str | None:
    """Return the operation that a marker's function name stands for, or None if it is no marker."""
    if not function_name.startswith(MARKER_PREFIX):
        return None
    escaped = function_name[len(MARKER_PREFIX) :]
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), escaped)


def _escape(operation: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", operation)


def _bind(template: types.FunctionType, function: Callable[..., Any]) -> Callable[..., Any]:
    cell = types.CellType(function)
    return types.FunctionType(template.__code__, template.__globals__, None, None, (cell,))


@functools.cache
def _one_argument(operation: str) -> types.FunctionType:
    function: Callable[[Any], Any] = operation_of  # Only makes `function` a free variable: `_bind` fills it.

    def call(event: Any) -> Any:
        return function(event)

    return _renamed(call, operation)


@functools.cache
def _one_awaited(operation: str) -> types.FunctionType:
    function: Callable[[Any], Any] = operation_of  # As above.

    async def call(event: Any) -> Any:
        return await function(event)

    return _renamed(call, operation)


def _renamed(template: Callable[..., Any], operation: str) -> types.FunctionType:
    assert isinstance(template, types.FunctionType)  # noqa: S101 - a `def` is a function; this tells mypy.
    name = marker_name(operation)
    template.__code__ = template.__code__.replace(co_name=name, co_qualname=name)
    return template
