"""Adapt a plain function, sync or async: `call:PLACE?name=value` calls it with these keyword arguments, which are text."""

import functools
import inspect
from typing import Any

from harness.errors import TargetError
from harness.target.adapters.asked import Asked
from harness.target.unfinished import is_async


class FunctionTarget:
    """A target that calls one function; its operation has the function's name."""

    def __init__(self, name: str, function: Any) -> None:
        self.operations = {name: 1.0}
        self.call = _without_event(function)


def adapt(asked: Asked) -> FunctionTarget:
    """Return the target. Raises `TargetError` if the object cannot be called with the SPEC's parameters."""
    function, parameters = asked.application, dict(asked.parameters)
    if not callable(function):
        raise TargetError(
            f"'{asked.text}' is an object of class {type(function).__qualname__}, which cannot be called",
            remedy="Name a function after the colon",
        )
    try:
        inspect.signature(function).bind(**parameters)
    except ValueError:
        pass  # A function written in C may have no signature.
    except TypeError as error:
        raise TargetError(
            f"'{asked.text}' cannot be called with these parameters: {error}",
            remedy="Write its arguments as parameters of the SPEC: call:PLACE?name=value",
        ) from error
    name = getattr(function, "__name__", None) or type(function).__name__
    return FunctionTarget(name, functools.partial(function, **parameters) if parameters else function)


def _without_event(function: Any) -> Any:
    def call(_event: Any) -> Any:
        return function()

    async def call_async(_event: Any) -> Any:
        return await function()

    return call_async if is_async(function) else call
