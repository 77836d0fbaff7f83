"""Adapt a plain function, sync or async: `call:PLACE?name=value` calls it with these keyword arguments, which are text.

With `requests=FILE` each entry is a JSON value: an object that fits the function's parameters is its keyword arguments, any
other value its only argument.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import TargetError
from harness.requests.reading import Kind, Requests
from harness.requests.template import Template
from harness.target.adapters.asked import Adapted, Asked, Events
from harness.target.unfinished import is_async


class FunctionTarget(Adapted):
    """A target that calls one function; without requests its operation has the function's name."""

    def __init__(self, name: str, function: Any) -> None:
        self.operations = {name: 1.0}
        self.call = _without_event(function)


class EventTarget(Adapted):
    """A target that calls one function with events from a file."""

    def __init__(self, requests: Requests, function: Any, *, by_name: bool) -> None:
        events = Events(requests, _event, shared=False)
        self.operations = events.operations
        self.make_event = events.make
        self.remarks = requests.notes
        self.call = _with_arguments(function) if by_name else _with_event(function)


def adapt(asked: Asked) -> FunctionTarget | EventTarget:
    """Return the target. Raises `UsageError` if the object cannot be called with the SPEC's parameters and requests."""
    function, parameters = asked.application, dict(asked.parameters)
    if not callable(function):
        raise TargetError(
            f"'{asked.text}' is an object of class {type(function).__qualname__}, which cannot be called",
            remedy="Name a function after the colon",
        )
    name = getattr(function, "__name__", None) or type(function).__name__
    bound = functools.partial(function, **parameters) if parameters else function
    if asked.requests or asked.values:
        requests = asked.read_requests(Kind.ARGUMENTS, name)
        return EventTarget(requests, bound, by_name=_takes_by_name(asked.text, bound, requests))
    if why := _unfit(function, (), parameters):
        raise TargetError(
            f"'{asked.text}' cannot be called with these parameters: {why}",
            remedy="Write its arguments as parameters of the SPEC (call:PLACE?name=value), or give events with requests=FILE",
        )
    return FunctionTarget(name, _with_parameters(function, parameters))


def _with_parameters(function: Any, parameters: Mapping[str, str]) -> Any:
    """Return a function without arguments. Arguments go by position where they can: keywords cost a dictionary a call."""
    if not parameters:
        return function
    try:
        call = inspect.signature(function).bind(**parameters)
    except ValueError:
        return functools.partial(function, **parameters)
    return functools.partial(function, *call.args, **call.kwargs)


def _takes_by_name(text: str, function: Any, requests: Requests) -> bool:
    """Return True if the entries are keyword arguments, False if each is the only argument.

    Raises `TargetError` for the first entry that does not fit what the others are.
    """
    one, *_ = requests.templates
    by_name = isinstance(one.event, dict) and not _unfit(function, (), one.event)
    for template in requests.templates:
        event = template.event
        if by_name and not isinstance(event, dict):
            why = "it is no object with the function's arguments, as the first one is"
        else:
            why = _unfit(function, (), event) if by_name else _unfit(function, (event,), {})
        if why:
            raise TargetError(
                f"'{text}' cannot be called with this event: {why}", where=template.where,
                remedy="Write an object with the function's arguments, or a value that is its only argument",
            )  # fmt: skip
    return by_name


def _unfit(function: Any, arguments: tuple[Any, ...], names: Mapping[str, Any]) -> str:
    """Return why a function cannot be called with these arguments; empty if it can."""
    try:
        inspect.signature(function).bind(*arguments, **names)
    except ValueError:
        pass  # A function written in C may have no signature.
    except TypeError as error:
        return str(error)
    return ""


def _event(template: Template, holes: Mapping[str, str]) -> Any:
    return template.event_filled(holes)


def _without_event(function: Any) -> Callable[[Any], Any]:
    def call(_event: Any) -> Any:
        return function()

    async def call_async(_event: Any) -> Any:
        return await function()

    return call_async if is_async(function) else call


def _with_event(function: Any) -> Callable[[Any], Any]:
    def call(event: Any) -> Any:
        return function(event)

    async def call_async(event: Any) -> Any:
        return await function(event)

    return call_async if is_async(function) else call


def _with_arguments(function: Any) -> Callable[[Any], Any]:
    def call(event: Any) -> Any:
        return function(**event)

    async def call_async(event: Any) -> Any:
        return await function(**event)

    return call_async if is_async(function) else call
