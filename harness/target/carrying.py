"""Carry the identity of a call into the threads, executors, greenlets and event loops that it starts.

While a `Carrier` is installed, the standard ways to hand a function to another thread or greenlet also hand over the
running call: profilers find the call's marker on the stack, and the split assigns the time to the call. Without a
running call, and in a process that does not measure, functions are handed over unchanged.

Not carried: work that a thread takes from a queue, callbacks of C libraries, uvloop, child processes.
A slot loads this file by its path: it imports only the standard library, so that it brings no module into the target.
"""

import contextlib
import contextvars
import functools
import sys
import types
from collections.abc import Callable, Generator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any, Self

Function = Callable[..., Any]
Runner = Callable[..., Any]
"""Function from (function, *args, **kwargs) to the result: it calls the function as work of one call, under its marker."""

_MISSING = object()


def _nobody(function: Function, /, *args: Any, **kwargs: Any) -> Any:
    """Run a function for no call: workers serve many calls, whichever call starts them."""
    return function(*args, **kwargs)


_CALL: contextvars.ContextVar[Runner | None] = contextvars.ContextVar("harness_call", default=None)
"""Call that this thread, greenlet or task works for; None if it was not carried, then `Carrier.here` decides."""


def _run(runner: Runner, function: Function, /, *args: Any, **kwargs: Any) -> Any:
    token = _CALL.set(runner)
    try:
        return runner(function, *args, **kwargs)
    finally:
        _CALL.reset(token)


@types.coroutine
def _steps(runner: Runner, function: Function, args: tuple[Any, ...]) -> Generator[Any, Any, Any]:
    # Between two steps the context is as before: whatever else this task does is no work of the call.
    coroutine = _run(runner, function, *args)
    step, given = coroutine.send, None
    while True:
        try:
            asked = _run(runner, step, given)
        except StopIteration as end:
            return end.value
        try:
            step, given = coroutine.send, (yield asked)
        except BaseException as error:  # noqa: BLE001 - the coroutine gets it
            step, given = coroutine.throw, error


class Carrier:
    """Binds functions to the call that hands them over. As a context manager it adapts the standard ways of handing over.

    `here` returns the call that runs in the current thread and greenlet, if no call was carried into it.
    """

    def __init__(self) -> None:
        self.here: Callable[[], Runner | None] = lambda: None
        self.alone: Runner | None = None
        """Call that is awaited as the only one in flight."""
        self._knows_sockets = False
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        finder = _AfterImport(self._adapt)
        sys.meta_path.insert(0, finder)
        self._undo.callback(sys.meta_path.remove, finder)
        for name in _WAYS:
            if name in sys.modules:
                self._adapt(name, sys.modules[name])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()
        self.here = lambda: None

    def bind(self, function: Function, /) -> Function:
        """Return `function` as work of the running call, or `function` itself if no call is running."""
        # A function that the target has bound itself is not bound twice.
        runner = None if _is_bound(function) else self.runner()
        return function if runner is None else functools.partial(_run, runner, function)

    def run(self, runner: Runner, function: Function, /, *args: Any) -> Any:
        """Call `function` in this thread as work of a call, so that the functions it hands over are carried."""
        return _run(runner, function, *args)

    async def awaited(self, runner: Runner, function: Function, /, *args: Any) -> Any:
        """Await an async function as work of the only call in flight: each of its steps runs as `run` does.

        Callbacks of the loop's sockets are then work of this call too, whichever call has made the connection.
        """
        if not self._knows_sockets:
            self._knows_sockets = True
            _adapt_sockets(self)
        self.alone = runner
        try:
            return await _steps(runner, function, args)
        finally:
            self.alone = None

    def runner(self) -> Runner | None:
        """Return the running call, or None."""
        runner = _CALL.get()
        if runner is None:
            return self.here()
        return None if runner is _nobody else runner

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute until the carrier is removed."""
        before = vars(owner).get(name, _MISSING)
        setattr(owner, name, value)
        if before is _MISSING:
            self._undo.callback(delattr, owner, name)
        else:
            self._undo.callback(setattr, owner, name, before)

    def replace_in_package(self, package: str, values: Sequence[tuple[Any, Any]]) -> None:
        """Replace the first value of each pair by the second wherever a public module of a package holds it."""
        # Private modules are written in C and rely on the classes that they were compiled with.
        public = {name: one for name, one in sys.modules.items() if "._" not in name}
        for module in [one for name, one in public.items() if name.partition(".")[0] == package]:
            for name, value in list(vars(module).items()):
                for before, after in values:
                    if value is before or (callable(value) and value == before):
                        self.replace(module, name, after)

    def _adapt(self, module_name: str, module: ModuleType) -> None:
        for path, adapt in _WAYS[module_name].items():
            owner, _, name = path.rpartition(".")
            holder = getattr(module, owner, None) if owner else module
            original = getattr(holder, name, None)
            if original is not None:
                adapt(self, holder, name, original)


class _AfterImport:
    """Finder that adapts a module right after its import. It stands first among the finders and delegates the finding."""

    def __init__(self, adapt: Callable[[str, ModuleType], None]) -> None:
        self._adapt = adapt

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec that the other finders find, with a loader that adapts the module after loading."""
        if name not in _WAYS:
            return None
        others = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, others), None)
        loader = spec.loader if spec else None
        if loader is None or isinstance(loader, type):
            return spec
        execute = loader.exec_module

        def execute_and_adapt(module: ModuleType) -> None:
            execute(module)
            self._adapt(name, module)

        loader.exec_module = execute_and_adapt  # type: ignore[method-assign]
        return spec


def _is_bound(function: Any) -> bool:
    return type(function) is functools.partial and function.func is _run


def _taking(place: int, keyword: str) -> "Adapt":
    """Return an adapter that binds one argument of a function; workers that the function starts belong to no call."""

    def adapt(carrier: Carrier, holder: Any, name: str, original: Function) -> None:
        @functools.wraps(original)
        def handing_over(*args: Any, **kwargs: Any) -> Any:
            function = args[place] if len(args) > place else kwargs.get(keyword)
            if not callable(function) or _goes_elsewhere(args):
                return original(*args, **kwargs)
            bound = carrier.bind(function)
            if not _is_bound(bound):
                return original(*args, **kwargs)
            if len(args) > place:
                args = (*args[:place], bound, *args[place + 1 :])
            else:
                kwargs[keyword] = bound
            return _run(_nobody, original, *args, **kwargs)

        carrier.replace_in_package(_package(holder), [(original, handing_over)])
        carrier.replace(holder, name, handing_over)

    return adapt


def _package(holder: Any) -> str:
    return holder.__name__.partition(".")[0] if isinstance(holder, ModuleType) else ""


def _goes_elsewhere(args: tuple[Any, ...]) -> bool:
    # The functions are pickled for another interpreter, so they cannot be bound.
    return bool(args) and any(base.__name__ == "InterpreterPoolExecutor" for base in type(args[0]).__mro__)


def _quiet(carrier: Carrier, holder: Any, name: str, original: Function) -> None:
    """Adapt a function so that the workers which it starts belong to no call."""

    @functools.wraps(original)
    def starting(*args: Any, **kwargs: Any) -> Any:
        return _run(_nobody, original, *args, **kwargs)

    carrier.replace(holder, name, starting)


def _thread_start(carrier: Carrier, holder: Any, name: str, original: Function) -> None:
    @functools.wraps(original)
    def start(self: Any) -> None:
        own, run = vars(self).get("run", _MISSING), carrier.bind(self.run)
        if not _is_bound(run):
            original(self)
            return

        def restore() -> None:
            if own is _MISSING:
                vars(self).pop("run", None)
            else:
                self.run = own

        def run_bound() -> None:
            restore()
            run()

        self.run = run_bound
        try:
            _run(_nobody, original, self)
        except BaseException:
            restore()
            raise

    carrier.replace(holder, name, start)


def _call_soon_threadsafe(carrier: Carrier, holder: Any, name: str, original: Function) -> None:
    @functools.wraps(original)
    def call_soon_threadsafe(self: Any, callback: Function, *args: Any, context: Any = None) -> Any:
        runner = carrier.runner()
        if runner is None:
            return original(self, callback, *args, context=context)
        if context is None:
            context = contextvars.copy_context()
            context.run(_CALL.set, runner)
        else:
            # A context that the user passes stays as it is.
            callback = carrier.bind(callback)
        return original(self, callback, *args, context=context)

    carrier.replace(holder, name, call_soon_threadsafe)


def _handle_run(carrier: Carrier, holder: Any, name: str, original: Function) -> None:
    """Run each callback of a loop as work of the call in its context; tasks, their steps and callbacks inherit the context."""

    @functools.wraps(original)
    def run(self: Any) -> Any:
        runner = self._context.get(_CALL) if self._context is not None else None
        if runner is None or runner is _nobody or runner is _CALL.get():
            return original(self)
        return _run(runner, original, self)

    carrier.replace(holder, name, run)


def _adapt_sockets(carrier: Carrier) -> None:
    """Let the call that is alone in flight have the callbacks of a loop's sockets."""
    holder = sys.modules["asyncio.base_events"].BaseEventLoop
    original = holder._add_callback  # noqa: SLF001 - the loop's only way to its sockets' callbacks

    def add_callback(self: Any, handle: Any) -> None:
        # The loop wakes itself through a socket too.
        if carrier.alone is not None and handle._callback != self._read_from_self:  # noqa: SLF001 - as above
            handle._context.run(_CALL.set, carrier.alone)  # noqa: SLF001 - as above
        original(self, handle)

    carrier.replace(holder, "_add_callback", add_callback)


def _greenlet(carrier: Carrier, _holder: Any, _name: str, original: Any) -> None:
    """Replace gevent's class, which is written in C, also in the modules that imported it before."""

    class Greenlet(original):  # type: ignore[misc]
        __doc__ = original.__doc__
        _run: Function

        def __init__(self, run: Any = None, *args: Any, **kwargs: Any) -> None:
            original.__init__(self, run, *args, **kwargs)
            own = self._run
            bound = carrier.bind(own)
            if bound is not own:
                self._run = bound

    Greenlet.__module__, Greenlet.__qualname__ = original.__module__, original.__qualname__
    names = ("spawn", "spawn_later")
    values = [(original, Greenlet), *((getattr(original, name), getattr(Greenlet, name)) for name in names)]
    carrier.replace_in_package("gevent", values)
    if pool := sys.modules.get("gevent.pool"):
        carrier.replace(pool.Group, "greenlet_class", Greenlet)


Adapt = Callable[[Carrier, Any, str, Any], None]

_WAYS: Mapping[str, Mapping[str, Adapt]] = {
    "threading": {"Thread.start": _thread_start},
    "_thread": {
        "start_new_thread": _taking(0, "function"),
        "start_new": _taking(0, "function"),
    },
    "concurrent.futures.thread": {"ThreadPoolExecutor.submit": _taking(1, "fn")},
    "concurrent.futures._base": {"Future.add_done_callback": _taking(1, "fn")},
    "multiprocessing.pool": {
        "ThreadPool.__init__": _quiet,
        "ThreadPool.apply_async": _taking(1, "func"),
        "ThreadPool._map_async": _taking(1, "func"),
        "ThreadPool.imap": _taking(1, "func"),
        "ThreadPool.imap_unordered": _taking(1, "func"),
    },
    "asyncio.base_events": {"BaseEventLoop.call_soon_threadsafe": _call_soon_threadsafe},
    "asyncio.events": {"Handle._run": _handle_run},
    "anyio.to_thread": {"run_sync": _taking(0, "func")},
    "anyio._backends._asyncio": {"WorkerThread.start": _quiet},
    "gevent.greenlet": {"Greenlet": _greenlet},
    "gevent.hub": {"spawn_raw": _taking(0, "function")},
    "gevent.pool": {
        "GroupMappingMixin.imap": _taking(1, "func"),
        "GroupMappingMixin.imap_unordered": _taking(1, "func"),
    },
    "gevent.threadpool": {"ThreadPool.spawn": _taking(1, "func")},
}
"""Functions to adapt, by module."""
