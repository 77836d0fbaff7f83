"""Make a target from its SPEC, and give it one plain shape."""

import contextlib
import dataclasses
import functools
import importlib
import inspect
import os
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.errors import RefusedError, TargetError
from harness.model import (
    DEFAULT_OPERATION,
    Closes,
    Counts,
    Engine,
    ExpectsStatuses,
    Instrumentable,
    MakesEvents,
    OffersOperations,
    Opens,
    RecordsSites,
    TakesTraceparent,
    Wrap,
)
from harness.redaction.redact import learn_parameters
from harness.target.adapters.asked import Adapted, Asked
from harness.target.answers import EXPECT_STATUS, USUAL, Judge, judge_of, read_expected
from harness.target.eventloop import EventLoop
from harness.target.importing import file_of_module, load_object, told
from harness.target.journeys import Journey, for_user, for_user_async, journey_of
from harness.target.refusals import check_factory, check_functions, ran
from harness.target.spec import ENGINE, HTTP, REQUESTS, RESERVED, VALUES, kind_and_place
from harness.target.unfinished import is_async, is_never_run

_ADAPTERS = {
    "call": "harness.target.adapters.function",
    "wsgi": "harness.target.adapters.wsgi",
    "asgi": "harness.target.adapters.asgi",
    "lambda": "harness.target.adapters.awslambda",
    HTTP: "harness.target.adapters.http",
}
"""Module of each kind's function `adapt`, from `Asked` to a target."""
_VISITS = {
    "wsgi": "harness.target.adapters.wsgi_visits",
    "asgi": "harness.target.adapters.asgi_visits",
    "lambda": "harness.target.adapters.awslambda_visits",
    HTTP: "harness.target.adapters.http_visits",
}
"""Module of each kind's function `walk`, which lets users call such a target on their journey."""


@dataclasses.dataclass(frozen=True, slots=True)
class LoadedTarget:
    """A target in one plain shape: a neutral stand-in replaces each optional method that the target lacks."""

    call: Callable[[Any], Any]
    operations: Mapping[str, float]
    make_event: Callable[[str, random.Random], Any]
    judge: Judge | None
    open: Callable[[], None]
    close: Callable[[], None]
    counters: Callable[[], Mapping[str, Mapping[str, int]]]
    instrument: Callable[[Wrap], None]
    record_sites: Callable[..., None]
    sites: Callable[[], Mapping[str, Mapping[str, Mapping[str, int]]]]
    engine: Engine = Engine.GEVENT
    """The engine that overlapping calls need: asyncio if `call` is an async function, else the one that was asked for."""
    loop: EventLoop = dataclasses.field(default_factory=EventLoop)
    """The event loop of an asynchronous target; unused by others."""
    journey: Journey = dataclasses.field(default_factory=Journey)
    """The users of the target; `call` is then that of the current user."""
    with_traceparent: Callable[[Any, str], Any] | None = None
    """Function that adds the header `traceparent` to an event; None for a target that takes no headers."""
    file: str = ""
    """File of the code at the SPEC's place with symbolic links resolved; empty if it is not written in Python."""
    notes: tuple[str, ...] = ()
    """Sentences about the target that degrade every run of it."""
    remarks: tuple[str, ...] = ()
    """Sentences about the target's requests that do not."""
    is_remote: bool = False
    """True if calls are requests to another process: what runs in this one is the harness's own client."""

    @property
    def has_counters(self) -> bool:
        """Return True if the target counts its own work."""
        return self.counters is not dict

    @property
    def is_async(self) -> bool:
        """Return True if `call` returns a coroutine that must be awaited in `loop`."""
        return self.engine is Engine.ASYNCIO


def make(text: str, parameters: Mapping[str, str]) -> LoadedTarget:
    """Make the target at `text`, the name of a SPEC: call the factory there with `parameters`, or adapt the object there.

    Raises `TargetError` for unknown or missing parameters, a factory that raises, a target without a callable `call`,
    and operations that are not names with positive weights. Raises `RefusedError` for an object that is not a factory
    or only promises work, without calling it if that can be seen beforehand, and for a target that the engine which
    `parameters` name cannot run.
    """
    # This process gets secrets in plain text: hide them in whatever the target prints later.
    learn_parameters(parameters)
    own = {name: value for name, value in parameters.items() if name not in {*RESERVED, EXPECT_STATUS}}
    kind, place = kind_and_place(text)
    # A server has no object in this process.
    found = None if kind == HTTP else load_object(place)
    target = _adapted(kind, text, found, own, parameters) if kind else _made(text, found, own, parameters)
    shaped = _shaped(text, target, parameters.get(ENGINE))
    adapted = target if isinstance(target, Adapted) else Adapted()
    return dataclasses.replace(
        shaped,
        judge=adapted.judge or judge_of(target, _expected(text, target, parameters.get(EXPECT_STATUS))),
        file="" if kind == HTTP else _file_of(found) or file_of_module(place),
        notes=adapted.notes,
        remarks=adapted.remarks,
        is_remote=adapted.is_remote,
    )


def _made(text: str, factory: Any, own: Mapping[str, str], parameters: Mapping[str, str]) -> Any:
    if not callable(factory):
        raise TargetError(
            f"'{text}' is an object of class {type(factory).__qualname__}, not a factory",
            remedy="Name the factory after the colon",
        )
    for name in (REQUESTS, VALUES):
        if name in parameters:
            raise TargetError(
                f"'{text}' is a factory, whose target makes its own events: it takes no {name}",
                remedy=f"Remove {name}, or name an application: call:, wsgi:, asgi: or lambda: before the place",
            )
    check_factory(text, factory, own)
    with told(f"The factory of target '{text}' failed", "Correct the target or its parameters"):
        return factory(**own)


def _adapted(kind: str, text: str, found: Any, own: Mapping[str, str], parameters: Mapping[str, str]) -> Any:
    adapt = importlib.import_module(_ADAPTERS[kind]).adapt
    expected = _expected(text, found, parameters.get(EXPECT_STATUS))
    asked = Asked(text, found, own, expected, parameters.get(REQUESTS, ""), parameters.get(VALUES, ""))
    target: Adapted = adapt(asked)
    if target.requests is not None and target.requests.is_journey:
        importlib.import_module(_VISITS[kind]).walk(target, asked)
    return target


def _expected(text: str, target: object, given: str | None) -> frozenset[int]:
    """Return the statuses that do not count as failures: those of the SPEC or the policy, else those of the target."""
    said = target.expected_statuses if isinstance(target, ExpectsStatuses) else ()
    try:
        return read_expected(said if given is None else given) or USUAL
    except ValueError as error:
        whose = (
            f"The expected_statuses of target '{text}'" if given is None else f"The SPEC's {EXPECT_STATUS}"
        )
        raise TargetError(
            f"{whose} cannot be read: {error}", remedy='Write {404} or ["200-399", 404]'
        ) from error


def _file_of(found: Any) -> str:
    try:
        return os.path.realpath(inspect.getfile(inspect.unwrap(found)))
    except TypeError:
        return ""


def _shaped(text: str, target: Any, wanted: str | None) -> LoadedTarget:
    call = getattr(target, "call", None)
    if not callable(call):
        raise TargetError(
            f"The factory of target '{text}' returned {type(target).__name__}, which has no call(event)",
            remedy="Return an object with a method call(event)",
        )
    engine = _engine_of(text, call, wanted)
    loop = EventLoop()
    check_functions(text, target, is_async=engine is Engine.ASYNCIO)
    operations = (
        _operations(text, target) if isinstance(target, OffersOperations) else {DEFAULT_OPERATION: 1.0}
    )
    check_mix(text, operations)

    def hook(name: str) -> Callable[..., Any]:
        function = ran(name, getattr(target, name))
        return _waited(getattr(target, name), function, loop) if engine is Engine.ASYNCIO else function

    journey = journey_of(text, target, operations)
    return LoadedTarget(
        call=_called(call, engine, has_user=journey.make_user is not None),
        operations=operations,
        make_event=hook("make_event") if isinstance(target, MakesEvents) else lambda _operation, _rng: {},
        judge=None,
        open=hook("open") if isinstance(target, Opens) else _nothing,
        close=_closing(hook("close") if isinstance(target, Closes) else _nothing, loop),
        counters=ran("counters", target.counters) if isinstance(target, Counts) else dict,
        instrument=ran("instrument", target.instrument)
        if isinstance(target, Instrumentable)
        else _no_instrument,
        record_sites=ran("record_sites", target.record_sites)
        if isinstance(target, RecordsSites)
        else _no_sites,
        sites=ran("sites", target.sites) if isinstance(target, RecordsSites) else dict,
        engine=engine,
        loop=loop,
        journey=journey,
        with_traceparent=target.with_traceparent if isinstance(target, TakesTraceparent) else None,
    )


def _engine_of(text: str, call: Any, wanted: str | None) -> Engine:
    if wanted is None:
        return Engine.ASYNCIO if is_async(call) else Engine.GEVENT
    if is_async(call) and wanted != Engine.ASYNCIO:
        raise RefusedError(
            f"call of target '{text}' is an async function, which engine={wanted} cannot run",
            remedy=f"Remove engine={wanted}: async functions run in the asyncio engine",
        )
    return Engine(wanted)


def _called(call: Callable[..., Any], engine: Engine, *, has_user: bool) -> Callable[[Any], Any]:
    """Return the call of one event: a coroutine function for the asyncio engine."""
    if engine is not Engine.ASYNCIO:
        return for_user(call) if has_user else call
    awaited: Callable[..., Any] = call if is_async(call) else _awaiting(call)
    return for_user_async(awaited) if has_user else awaited


def _awaiting(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return an async function that awaits the result of `call`: a function whose results are awaitable without saying so."""

    @functools.wraps(call)
    async def awaited(*event: Any) -> Any:
        result = call(*event)
        if not is_never_run(result):
            raise RefusedError(
                f"The target's call returned {type(result).__name__} without being awaited, so calls cannot overlap in one event loop",
                remedy="Remove engine=asyncio, or write call as an async function",
            )
        return await result

    return awaited


def _waited(hook: Callable[..., Any], checked: Callable[..., Any], loop: EventLoop) -> Callable[..., Any]:
    """Return a hook of an asynchronous target that runs the loop until it is done, if it is async itself."""
    if not is_async(hook):
        return checked
    return lambda *args, **kwargs: loop.run(hook(*args, **kwargs))


def _closing(close: Callable[[], None], loop: EventLoop) -> Callable[[], None]:
    def closing() -> None:
        try:
            close()
        finally:
            loop.close()

    return closing


def _operations(text: str, target: OffersOperations) -> dict[str, float]:
    try:
        return dict(target.operations)
    except (TypeError, ValueError) as error:
        raise TargetError(
            f"The operations of target '{text}' are not a mapping of names to weights: {target.operations!r}",
            remedy='Write them like {"read": 3, "write": 1}',
        ) from error


def check_mix(owner: str, operations: Mapping[str, float]) -> None:
    """Raise `TargetError` for an empty mix, a name that is not text, or a weight that is not positive."""
    for name, weight in operations.items():
        if (
            not isinstance(name, str)
            or not name
            or not isinstance(weight, int | float)
            or not 0 < weight < 1e12
        ):
            raise TargetError(
                f"'{owner}' offers operation {name!r} with weight {weight!r}",
                remedy="Give each operation a name and a positive weight",
            )
    if not operations:
        raise TargetError(
            f"'{owner}' offers no operation", remedy="Name at least one, or remove `operations`"
        )


def _nothing() -> None:
    pass


def _no_instrument(_wrap: Wrap) -> None:
    pass


def _no_sites(*, on: bool) -> None:
    del on


def open_target(target: LoadedTarget) -> None:
    """Open the target. Raises `TargetError` if that fails."""
    with told(
        "The target could not be opened",
        "Correct the target, or check that the services it connects to are up",
    ):
        target.open()


@contextlib.contextmanager
def closing_target(target: LoadedTarget) -> Iterator[None]:
    """Close the target at the end of the block. Raises `TargetError` if that fails, unless the block has failed already."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(BaseException):
            target.close()
        raise
    with told(
        "The target could not be closed", "Correct its close(); the measurements before it are complete"
    ):
        target.close()
