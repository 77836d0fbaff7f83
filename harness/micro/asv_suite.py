"""Collect the benchmarks of airspeed velocity (asv) as tests that take the fixture `benchmark`.

Functions and methods named `time_*`, `timeraw_*`, `mem_*` and `peakmem_*` are called and timed, in the way in which asv calls
them: `params`, `setup`, `setup_cache`, `teardown` and `skip_for_params` have their meaning. Those named `track_*` return a
number of their own, which is not a time: they are skipped by name. Run by its path, beside `collection.py`.
"""

import importlib
import inspect
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_KINDS = ("time_", "timeraw_", "mem_", "peakmem_", "track_")
_MANY = 1_000_000


class AsvSuite:
    """The folder `benchmark_dir` of a project."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def collect(self, file_path: Any, parent: Any) -> Any:
        """Return the collector of a file in the folder; None for other files."""
        if file_path.suffix != ".py" or not file_path.is_relative_to(self._folder):
            return None
        made = AsvFile.from_parent(parent, path=file_path)
        parts = [self._folder.name, *file_path.relative_to(self._folder).with_suffix("").parts]
        made.module_name = ".".join(part for part in parts if part != "__init__")
        made.above = str(self._folder.parent)
        return made


class AsvFile(pytest.File):
    """A module with benchmarks."""

    module_name = above = ""

    def collect(self) -> Iterator[Any]:
        """Yield a test for each benchmark and each combination of its parameters."""
        if self.above not in sys.path:
            sys.path.insert(0, self.above)
        module = importlib.import_module(self.module_name)
        for name, owner, function in _members(module):
            for case in _cases(name, module, owner, function):
                yield pytest.Function.from_parent(self, name=case.name, callobj=case.test())


def _members(module: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield (name, class or None, attribute) of every benchmark of a module, as asv finds them."""
    for attribute, value in sorted(vars(module).items()):
        if attribute.startswith("_"):
            continue
        if inspect.isclass(value):
            for method, _ in inspect.getmembers(value, inspect.isfunction):
                if method.startswith(_KINDS):
                    yield f"{attribute}.{method}", value, method
        elif inspect.isfunction(value) and attribute.startswith(_KINDS):
            yield attribute, None, attribute


def _cases(name: str, module: Any, owner: Any, function: str) -> Iterator["Case"]:
    sources = [getattr(owner or module, function), *filter(None, (owner,)), module]
    axes = list(_first(sources, "params", ()))
    if axes and not isinstance(axes[0], list | tuple):
        axes = [axes]
    skipped = [tuple(one) for one in _first(sources, "skip_for_params", ())]
    for values in itertools.product(*axes):
        if tuple(values) not in skipped:
            shown = f"{name}[{'-'.join(map(repr, values))}]" if axes else name
            yield Case(shown, module, owner, function, values)


def _first(sources: list[Any], attribute: str, default: Any) -> Any:
    return next((getattr(one, attribute) for one in sources if hasattr(one, attribute)), default)


class Case:
    """One benchmark with one combination of its parameters."""

    _caches: dict[tuple[Any, str], Any] = {}  # noqa: RUF012 - one for the whole process
    """The values that each `setup_cache` returned, by its owner."""

    def __init__(self, name: str, module: Any, owner: Any, function: str, values: tuple[Any, ...]) -> None:
        self.name, self._module, self._owner, self._function = name, module, owner, function
        self._values = values

    def test(self) -> Callable[..., None]:
        """Return the test function that measures it."""

        def test(benchmark: Any) -> None:
            self._run(benchmark)

        return test

    def _run(self, benchmark: Any) -> None:
        kind = next(kind for kind in _KINDS if self._function.startswith(kind))
        if kind == "track_":
            pytest.skip(
                "a track_ benchmark returns a number of its own, and only times and memory are compared"
            )
        instance = self._owner() if self._owner else self._module
        function = getattr(instance, self._function)
        sources = [self._module, *([instance] if self._owner else []), function]
        arguments = (*self._cached(sources), *self._values)
        setups, teardowns = _hooks(sources, "setup"), _hooks(reversed(sources), "teardown")

        def set_up() -> None:
            for hook in setups:
                hook(*arguments)

        def tear_down(*_: Any) -> None:
            for hook in teardowns:
                hook(*arguments)

        target = _in_a_child(function) if kind == "timeraw_" else function
        if _first(list(reversed(sources)), "number", 0) == 1 and (setups or teardowns):
            # One call for each setup: the calls use up what it made.
            benchmark.pedantic(target, arguments, setup=set_up, teardown=tear_down, rounds=_MANY)
            return
        try:
            set_up()
        except NotImplementedError as error:
            pytest.skip(f"setup raised NotImplementedError {error}".rstrip())
        try:
            benchmark(target, *arguments)
        finally:
            tear_down()

    def _cached(self, sources: list[Any]) -> tuple[Any, ...]:
        for one in reversed(sources):
            if hasattr(one, "setup_cache"):
                key = (self._owner or self._module, one.setup_cache.__qualname__)
                if key not in self._caches:
                    self._caches[key] = one.setup_cache()
                return () if self._caches[key] is None else (self._caches[key],)
        return ()


def _hooks(sources: Any, name: str) -> list[Callable[..., Any]]:
    return [getattr(one, name) for one in sources if callable(getattr(one, name, None))]


def _in_a_child(function: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that runs the code which a `timeraw_` benchmark returns, in a new interpreter."""

    def run(*arguments: Any) -> None:
        code = function(*arguments)
        statement, setup = code if isinstance(code, tuple) else (code, "")
        program = f"{inspect.cleandoc(setup)}\n{inspect.cleandoc(statement)}\n"
        subprocess.run([sys.executable, "-c", program], check=True)

    return run
