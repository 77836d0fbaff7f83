"""Collect what scripts of pyperf give to `Runner.bench_func` and `bench_async_func`, as tests that take the fixture `benchmark`.

A script runs as `__main__` while it is collected, with a runner that measures nothing and takes note. What it gives to other
methods of the runner is skipped by name. Run by its path, beside `collection.py`.
"""

import argparse
import contextlib
import importlib
import runpy
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

_METHODS = ("bench_func", "bench_async_func")


def collect(file_path: Any, parent: Any) -> Any:
    """Return the collector of a script of pyperf; None for other files."""
    if file_path.suffix != ".py":
        return None
    try:
        text = file_path.read_bytes()
    except OSError:
        return None
    if b"pyperf" not in text or b"Runner(" not in text:
        return None
    return PyperfFile.from_parent(parent, path=file_path)


class PyperfFile(pytest.File):
    """A script of pyperf."""

    def collect(self) -> Iterator[Any]:
        """Yield a test for each benchmark that the script gives to its runner."""
        found: dict[str, Callable[..., None]] = {}
        in_place = _in_place_of_pyperf(lambda: Runner(found))
        # Some scripts end by themselves.
        with in_place, _as_command(str(self.path)), contextlib.suppress(SystemExit):
            runpy.run_path(str(self.path), run_name="__main__")
        for name, test in found.items():
            yield pytest.Function.from_parent(self, name=name, callobj=test)


class Runner:
    """Takes the place of `pyperf.Runner`."""

    def __init__(self, found: dict[str, Callable[..., None]]) -> None:
        self._found = found
        self.argparser = argparse.ArgumentParser()
        self.args: Any = None
        self.metadata: dict[str, Any] = {}

    def parse_args(self, _args: Any = None) -> Any:
        """Return the script's own options with their defaults."""
        self.args = self.argparser.parse_args([])
        return self.args

    def bench_func(self, name: str, function: Callable[..., Any], *args: Any, **_options: Any) -> None:
        """Note a function with its arguments."""

        def test(benchmark: Any) -> None:
            benchmark(function, *args)

        self._found[name] = test

    bench_async_func = bench_func

    def __getattr__(self, method: str) -> Callable[..., None]:
        if not method.startswith(("bench_", "timeit")):
            raise AttributeError(method)

        def note(name: str, *_args: Any, **_options: Any) -> None:
            def test(benchmark: Any) -> None:  # noqa: ARG001 - it is a benchmark by this
                pytest.skip(
                    f"pyperf's {method} times in its own way: only {' and '.join(_METHODS)} are measured"
                )

            self._found[name] = test

        return note


@contextlib.contextmanager
def _in_place_of_pyperf(make: Callable[[], Runner]) -> Iterator[None]:
    """Let `pyperf.Runner` be ours meanwhile, whether pyperf is installed or not."""
    before = sys.modules.get("pyperf")
    try:
        module: Any = importlib.import_module("pyperf")
        real = module.Runner
    except ImportError:
        module, real = ModuleType("pyperf"), None
        module.perf_counter = importlib.import_module("time").perf_counter
    sys.modules["pyperf"] = module
    module.Runner = lambda *_args, **_options: make()
    try:
        yield
    finally:
        if real is not None:
            module.Runner = real
        elif before is None:
            del sys.modules["pyperf"]


@contextlib.contextmanager
def _as_command(path: str) -> Iterator[None]:
    before, sys.argv = sys.argv, [path]
    try:
        yield
    finally:
        sys.argv = before
