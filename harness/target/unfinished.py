"""Recognise a promise of work: a coroutine, an iterator, a future, a response whose body is unread.

A call that returns one has not done its work, so its time would be the time of making the promise. Each is recognised
by its protocol or by the name of its class, without importing its library. This module imports only the standard
library: the slots of a session, which may measure the harness itself, load it by its path.
"""

import functools
import inspect
import itertools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

_MOST_LOOKED_AT = 16
"""Number of values of a container that are inspected."""
_CONTAINERS: tuple[type, ...] = (dict, list, tuple, set)


class Promise(NamedTuple):
    """A kind of unfinished value: its name, how to finish it, and whether a value of its class is still unfinished."""

    what: str
    remedy: str
    is_open: Callable[[Any], bool] = lambda _value: True

    def told(self, value: Any) -> str:
        """Return the name, with the class of `value` unless it is a built-in."""
        cls = type(value)
        return (
            self.what
            if cls.__module__ == "builtins"
            else f"{self.what} ({cls.__module__}.{cls.__qualname__})"
        )


AWAIT = "Write `async def` and await it inside: the harness then runs it in an event loop"
_WRITE = "Write `def test_…(benchmark)`, and give the async function that it measures to benchmark"
ASYNC_TEST = f"the test is an async function. {_WRITE}"
IN_A_LOOP = f"benchmark got an async function while an event loop was already running. {_WRITE}"
_NO_BENCHMARK = "the benchmark was given {}, whose work is not done while it is timed. {}"
_R = TypeVar("_R")
_READ = "Read it to its end inside the call"
_NO_YIELDS = "Remove its yields: a call of a generator function runs none of its code"
_BODY = "Read the whole body inside the call"
_COROUTINE = Promise("a coroutine", AWAIT)
_AWAITABLE = Promise("an awaitable", AWAIT)
_ASYNC_ITERATOR = Promise("an asynchronous iterator", "Read it to its end with `async for` inside the call")
_FUTURE = Promise("a future", "Wait for its result inside the call, and return the result")
_GENERATOR = Promise("a generator", _READ)
_CURSOR = Promise(
    "a cursor whose rows are not fetched",
    "Fetch the rows inside the call",
    lambda one: one.description is not None,
)
_ITERATOR = Promise("an iterator", _READ)
_UNREAD = Promise("a response whose body is not read", _BODY, lambda one: not one.isclosed())
_OPEN_ITERABLE = Promise(
    "an iterable that is neither read nor closed", "Read it and close it inside the call"
)
_TASK = Promise(
    "a thread or process in the background",
    "Wait for its end inside the call",
    lambda one: bool(one.is_alive()),
)
_MANAGER = Promise(
    "a context manager that was not entered", "Enter it with `with` or `async with` inside the call"
)
_LAZY = Promise("a query that was not executed", "Execute it inside the call, for example with list(…)")


def _is_unread_stream(body: Any) -> bool:
    raw = getattr(body, "_raw_stream", None)
    if callable(is_closed := getattr(raw, "isclosed", None)):
        return not is_closed()
    return int(getattr(body, "_amount_read", 0)) < int(getattr(body, "_content_length", None) or 1)


_BY_NAME = {
    ("requests", "Response"): Promise(
        "a response whose body is not read", _BODY,
        lambda one: one._content is False and not one._content_consumed,  # noqa: SLF001 - no public attribute says so
    ),
    ("aiohttp", "ClientResponse"): Promise(
        "a response whose body is not read", _BODY,
        lambda one: one._body is None and not one.closed,  # noqa: SLF001 - as above
    ),
    ("httpx", "Response"): Promise(
        "a response whose body is not read", _BODY,
        lambda one: not hasattr(one, "_content") and not one.is_stream_consumed,
    ),
    ("botocore", "StreamingBody"): Promise("a response whose body is not read", _BODY, _is_unread_stream),
    ("botocore", "Paginator"): Promise("a paginator", "Read its pages inside the call"),
    ("botocore", "PageIterator"): Promise("a paginator", "Read its pages inside the call"),
    ("boto3", "ResourceCollection"): Promise("a paginator", "Read its pages inside the call"),
    ("redis", "Pipeline"): Promise(
        "a pipeline that was not executed", "Execute it inside the call",
        lambda one: bool(getattr(one, "command_stack", None)),
    ),
    ("django", "QuerySet"): _LAZY._replace(is_open=lambda one: one._result_cache is None),  # noqa: SLF001 - as above
    ("django", "StreamingHttpResponse"): Promise(
        "a response whose body is not read", _BODY, lambda one: not one.closed
    ),
    ("starlette", "StreamingResponse"): Promise("a response whose body is not read", _BODY),
    ("sqlalchemy", "Result"): _CURSOR._replace(
        is_open=lambda one: getattr(one, "returns_rows", True) and not one._soft_closed  # noqa: SLF001 - as above
    ),
    ("polars", "LazyFrame"): _LAZY,
    ("subprocess", "Popen"): _TASK._replace(what="a process in the background", is_open=lambda one: one.poll() is None),
}  # fmt: skip
_BY_NAME["redis", "ClusterPipeline"] = _BY_NAME["redis", "Pipeline"]
_BY_PROTOCOL: tuple[tuple[tuple[str, ...], Promise | None], ...] = (
    (("__await__", "add_done_callback", "result"), _FUTURE),
    (("__await__", "cr_frame"), _COROUTINE),
    (("__await__",), _AWAITABLE),
    (("__anext__",), _ASYNC_ITERATOR),
    (("add_done_callback", "result"), _FUTURE),
    (("get", "ready", "successful"), _FUTURE),
    (("addCallback", "addErrback"), _FUTURE),
    (("start", "join", "is_alive"), _TASK),
    (("__dask_graph__",), _LAZY),
    (("read", "close", "isclosed"), _UNREAD),
    # A file, in memory or on disk, is a finished result.
    (("read", "close"), None),
    (("__next__", "description", "fetchall"), _CURSOR),
    (("__next__", "gi_frame"), _GENERATOR),
    (("__next__",), _ITERATOR),
)
"""Members of a class, and the kind of its values; the first match counts."""
_FINISHED = {("django", "HttpResponse"), ("tempfile", "_TemporaryFileWrapper")}
"""Classes that look like an open iterable but hold their whole content."""


def unfinished(value: Any) -> tuple[str, str] | None:
    """Return the description of an unfinished value and how to finish it; None for a finished value.

    Looks into dicts, lists, tuples and sets too, one level deep. Raises nothing.
    """
    found = _promise_in(value)
    if found is None and type(value) in _CONTAINERS:
        items = value.values() if isinstance(value, dict) else value
        for item in itertools.islice(items, _MOST_LOOKED_AT):
            if inside := _promise_in(item):
                return f"a {type(value).__name__} with {inside[0]}", inside[1]
    return found


def _promise_in(value: Any) -> tuple[str, str] | None:
    promise = promise_of(type(value))
    if promise is None:
        return None
    try:
        is_open = promise.is_open(value)
    except Exception:  # noqa: BLE001 - a known class of an unknown version
        return None
    return (promise.told(value), promise.remedy) if is_open else None


def promise_of(cls: type) -> Promise | None:
    """Return the kind of promise of a class's values; None if all of them are finished."""
    names = [(base.__module__.partition(".")[0], base.__name__) for base in cls.__mro__]
    for name in names:
        if name in _BY_NAME:
            return _BY_NAME[name]
    return None if _FINISHED.intersection(names) else _by_protocol(cls)


def _by_protocol(cls: type) -> Promise | None:
    if is_manager(cls):
        return _MANAGER
    for names, promise in _BY_PROTOCOL:
        if _offers(cls, *names):
            return promise
    is_open = _offers(cls, "__iter__", "close") and not _offers(cls, "__len__")
    return _OPEN_ITERABLE if is_open else None


def is_manager(cls: type) -> bool:
    """Return True for the class of values that a `contextlib.contextmanager` function returns."""
    return any(base.__name__ == "_GeneratorContextManagerBase" for base in cls.__mro__)


def is_never_run(value: Any) -> bool:
    """Return True for a value whose code has not begun and will never begin: a coroutine, a context manager."""
    return _offers(type(value), "__await__") or is_manager(type(value))


def _offers(cls: type, *names: str) -> bool:
    """Return True if a class defines these members. `hasattr` is not used: a class may answer for names that it lacks."""
    return all(any(name in base.__dict__ for base in cls.__mro__) for name in names)


def promising(function: Any) -> tuple[str, str] | None:
    """Return the description and remedy of a function that runs none of its code when called; None for any other.

    Covers partials, methods and objects with `__call__`; the result of a wrapper is known only after a call.
    """
    if is_async(function):
        return "an async function", AWAIT
    for one in _code_of(function):
        if inspect.isasyncgenfunction(one):
            return "an async generator function", _NO_YIELDS
        if inspect.isgeneratorfunction(one):
            return "a generator function", _NO_YIELDS
    return None


def is_async(function: Any) -> bool:
    """Return True for a function whose call returns a coroutine: the result is there once that is awaited."""
    return any(inspect.iscoroutinefunction(one) or _is_marked(one) for one in _code_of(function))


def _code_of(function: Any) -> tuple[Any, ...]:
    """Return the function without its partials, and the `__call__` of an object that is no function or class."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return (function,)
    return function, type(function).__call__ if callable(function) else None


def check_benchmarked(function: Any, *, may_be_async: bool = True) -> None:
    """Raise `TypeError` for a function that a benchmark would call without running any of its code.

    With `may_be_async`, the caller awaits async functions.
    """
    if may_be_async and is_async(function):
        return
    if found := promising(function):
        raise TypeError(_NO_BENCHMARK.format(*found))


def finished(result: _R) -> _R:
    """Return the result of a benchmarked function. Raises `TypeError` if the work behind it is not done."""
    if found := unfinished(result):
        raise TypeError(_NO_BENCHMARK.format(f"a function that returns {found[0]}", found[1]))
    return result


def _is_marked(function: Any) -> bool:
    """Return True if a compiler or framework has marked a function as asynchronous."""
    coroutines = sys.modules.get("asyncio.coroutines")
    marker = getattr(coroutines, "_is_coroutine", None)
    return marker is not None and getattr(function, "_is_coroutine", None) is marker
