"""Refuse targets that cannot be measured: functions and results that only promise work, and objects that are not factories.

A wrong kind of target would give plausible numbers: an async function returns in microseconds, before its work is done.
So a target is refused before it runs if the fault can be seen, and else by its first results.
"""

import ast
import functools
import inspect
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from harness.errors import RefusedError, TargetError
from harness.model import RecordsSites
from harness.target.unfinished import is_async as is_async_function
from harness.target.unfinished import is_never_run, promise_of, promising, unfinished

_MOST_CLASSES = 1_000
"""Limit of remembered result classes: a target that makes a class for each call must not fill the memory."""
HOOKS = (
    "open", "make_user", "make_event", "close", "outcome", "failure", "counters", "instrument", "record_sites", "sites",
)  # fmt: skip
AWAITED = ("open", "make_event", "close")
"""Hooks that may be async, if `call` is: they run before and after the calls, not between them."""
_WRITE_ONE = "A factory returns an object with call(event); for a function write call:PLACE, for an application wsgi:PLACE or asgi:PLACE"
_NO_TARGETS = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    bytearray,
    list,
    tuple,
    dict,
    set,
    frozenset,
    type(None),
)
_NO_TARGET_NAMES = {
    *(kind.__name__ for kind in _NO_TARGETS), "None", "NoReturn", "Never", "Coroutine", "Awaitable", "Generator",
    "Iterator", "Iterable", "AsyncGenerator", "AsyncIterator", "AsyncIterable", "List", "Dict", "Tuple", "Set",
}  # fmt: skip
_DISPLAYS = (
    ast.Constant, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.JoinedStr, ast.Compare, ast.ListComp, ast.DictComp,
    ast.SetComp, ast.GeneratorExp, ast.Lambda,
)  # fmt: skip
"""Expressions whose value never has a `call`."""
_NAMES: dict[type[ast.expr], str] = {
    ast.JoinedStr: "str", ast.Compare: "bool", ast.ListComp: "list", ast.DictComp: "dict", ast.SetComp: "set",
    ast.GeneratorExp: "generator", ast.Lambda: "function",
}  # fmt: skip
"""Names of their values, for expressions that have another name."""


class Results:
    """Check of the results of one operation. `finished` are the classes whose every value is a finished result."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self.finished: set[type] = set()

    def check(self, result: Any) -> None:
        """Raise `RefusedError` if the work behind a result is not done. Call it for each class outside `finished`."""
        found = unfinished(result)
        if found is not None:
            what, remedy = found
            raise RefusedError(
                f"The target's call returned {what} for operation '{self._operation}': its work was not done when the time was taken",
                remedy=remedy,
            )
        cls = type(result)
        if len(self.finished) < _MOST_CLASSES and promise_of(cls) is None:
            self.finished.add(cls)


def check_functions(text: str, target: Any, *, is_async: bool) -> None:
    """Raise `RefusedError` if `call` or a hook of a target is a function that runs none of its code when called.

    An asynchronous target may have async functions where an event loop can await them: `call` and `AWAITED`.
    """
    used = (
        HOOKS if isinstance(target, RecordsSites) else [name for name in HOOKS if not name.endswith("sites")]
    )
    for name in ("call", *used):
        function = getattr(target, name, None)
        if not callable(function) or (
            is_async and name in ("call", *AWAITED) and is_async_function(function)
        ):
            continue
        if found := promising(function):
            what, remedy = found
            raise RefusedError(
                f"{name} of target '{text}' is {what}, which the harness cannot run",
                remedy="Make it a plain function" if name != "call" else remedy,
            )


def ran(name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return the hook, wrapped to raise `RefusedError` if it returns a coroutine or anything else that never ran."""

    def run(*args: Any, **kwargs: Any) -> Any:
        result = hook(*args, **kwargs)
        if is_never_run(result):
            what, remedy = unfinished(result) or ("a value that never ran", "")
            raise RefusedError(
                f"{name} of the target returned {what}, which the harness cannot run", remedy=remedy
            )
        return result

    return run


def check_factory(text: str, factory: Any, parameters: Mapping[str, str]) -> None:
    """Raise `TargetError` for an object that is not a factory, as far as can be seen without calling it.

    Raises it also for unknown and missing parameters: a factory is called with the parameters of the SPEC.
    """
    if found := promising(factory):
        _no_factory(text, f"it is {found[0]}")
    if not _is_kind_of_function(factory):
        _no_factory(text, f"it is an object of class {type(factory).__qualname__}")
    _check_parameters(text, factory, parameters)
    if inspect.isclass(factory):
        if not _may_have_call(factory):
            _no_factory(text, f"class {factory.__qualname__} has no call(event)")
        return
    plain = factory
    while isinstance(plain, functools.partial):
        plain = plain.func
    if inspect.isfunction(plain) and (returned := _no_target_returned(plain)):
        _no_factory(text, returned)


def _no_factory(text: str, why: str) -> NoReturn:
    raise RefusedError(f"'{text}' is not a factory: {why}", remedy=_WRITE_ONE)


def _is_kind_of_function(factory: Any) -> bool:
    is_function = inspect.isroutine(factory) or inspect.isclass(factory)
    return is_function or isinstance(factory, functools.partial) or hasattr(factory, "__wrapped__")


def _check_parameters(text: str, factory: Callable[..., Any], parameters: Mapping[str, str]) -> None:
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(**parameters)
    except TypeError as error:
        takes = ", ".join(str(parameter) for parameter in signature.parameters.values()) or "none"
        raise TargetError(
            f"Target '{text}' does not take these parameters: {error}",
            remedy=f"Its parameters: {takes}. It is called as a factory, with the parameters of the SPEC alone. {_WRITE_ONE}",
        ) from error


def _may_have_call(cls: type) -> bool:
    """Return True if objects of a class may have a `call`: from the class, or set or provided by its code."""
    if hasattr(cls, "call") or type(cls) is not type:
        return True
    own = [vars(base) for base in cls.__mro__ if base is not object]
    return any(
        "__getattr__" in members
        or "__getattribute__" in members
        or "__new__" in members
        or "call" in members.get("__annotations__", ())
        or any(
            isinstance(one, types.FunctionType) and "call" in one.__code__.co_names
            for one in members.values()
        )
        for members in own
    )


def _no_target_returned(function: types.FunctionType) -> str:
    """Return why the value of a function cannot be a target, from annotation or source; empty if it may be one."""
    annotation = function.__annotations__.get("return", inspect.Signature.empty)
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    name = name.partition("[")[0].rpartition(".")[2].strip()
    if name in _NO_TARGET_NAMES:
        return f"its annotation says that it returns {name}"
    returns = _returns(function)
    if returns is None or any(value is not None and not isinstance(value, _DISPLAYS) for value in returns):
        return ""
    values = sorted({_name_of(value) for value in returns if value is not None})
    return f"it returns {' or '.join(values)}" if values else "it returns nothing"


def _name_of(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return type(value.value).__name__
    return _NAMES.get(type(value), type(value).__name__.lower())


def _returns(function: types.FunctionType) -> list[ast.expr | None] | None:
    """Return the values of all `return` statements of a function, without nested functions; None if the source is unknown."""
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, ValueError, TypeError):
        return None
    if not isinstance(definition, ast.FunctionDef) or definition.name != function.__code__.co_name:
        return None
    if isinstance(definition.body[-1], ast.Raise):
        # The function always raises: its exception gives the better message.
        return None
    found: list[ast.expr | None] = []
    todo: list[ast.AST] = list(definition.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Return):
            found.append(node.value)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)
    return found
