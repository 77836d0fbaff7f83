"""Collect a suite as plain pytest does, and keep its benchmarks: a plugin for the programs that run a suite.

A benchmark is a test that takes the fixture `benchmark` (or pytest-codspeed's `codspeed_benchmark`), or that has one of these
words as a mark: its whole body is then measured. Those programs run this file by its path; it imports nothing of the harness,
because the suite may measure a tree of that name.
"""

import os
import re
import runpy
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import pytest

_WORDS = ("benchmark", "codspeed_benchmark")
_ALSO = {"python_files": ("bench_*.py", "*_bench.py"), "python_functions": ("bench_*",)}
"""Names of files and functions that are found beside those of the project's configuration."""
_WITHOUT = re.compile(r"\bnot\s+(codspeed_)?benchmark\b")
_UNSET: Mapping[str, Any] = {
    # The whole suite runs, and nothing but the results of the harness is written or printed.
    "maxfail": 0, "xmlpath": None, "pastebin": None, "usepdb": False, "trace": False, "durations": None,
    "strict_markers": False, "strict_config": False,
    "benchmark_skip": False, "benchmark_disable": False, "benchmark_only": False, "benchmark_enable": True,
    "benchmark_save": None, "benchmark_autosave": None, "benchmark_json": None, "benchmark_histogram": [],
    "benchmark_compare": None, "benchmark_compare_fail": [], "benchmark_cprofile": None, "benchmark_quiet": True,
    "benchmark_verbose": False,
}  # fmt: skip
"""Options of pytest and pytest-benchmark that a project's `addopts` may set, and their values here."""
_NO_ASPECTS = "benchmark.weave and benchmark.patch need aspectlib: install it (pip install aspectlib) where the benchmarks run"


class Collection:
    """The plugin. `name(item)` is the name of a benchmark: its node id, relative to the folder of the suite."""

    def __init__(self, job: Mapping[str, Any], places: Sequence[str], readable: Callable[[str], str]) -> None:
        self._places, self._readable = list(places), readable
        self._prefix = f"{job['prefix']}/" if job["prefix"] else ""
        self._asv = _beside("asv_suite.py")["AsvSuite"](job["asv"]) if job["asv"] else None
        self._pyperf = _beside("pyperf_suite.py")["collect"]
        self._by_mark: set[str] = set()

    def name(self, item: Any) -> str:
        """Return the node's path in the suite, or the parameter in the test's `named_by` mark."""
        marker = item.get_closest_marker("named_by")
        if marker:
            return self._readable(str(item.callspec.params[marker.args[0]]))
        return self.relative(item.nodeid)

    def relative(self, nodeid: str) -> str:
        """Return a node id, or the path of a file, relative to the folder of the suite."""
        return self._readable(nodeid).removeprefix(self._prefix)

    @pytest.hookimpl(wrapper=True)
    def pytest_load_initial_conftests(
        self, early_config: Any, parser: Any, args: list[str]
    ) -> Generator[None, Any, Any]:
        """Drop the options of plugins that are kept out from `addopts`, once those of conftest files are known."""
        early_config.known_args_namespace.strict_config = False
        result = yield
        _, unknown = parser.parse_known_and_unknown_args(args)
        args[:] = [word for word in args if word not in unknown or not word.startswith("-")]
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: Any) -> None:
        """Set what the project's `addopts` must not decide: the places, failures, files, and whether benchmarks run."""
        for name, value in _UNSET.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        if _WITHOUT.search(config.option.markexpr or ""):
            config.option.markexpr = ""
        config.args[:] = self._places
        for setting, patterns in _ALSO.items():
            for pattern in patterns:
                config.addinivalue_line(setting, pattern)
        for word in (*_WORDS, "named_by"):
            config.addinivalue_line("markers", f"{word}: a benchmark")

    def pytest_collect_file(self, file_path: Any, parent: Any) -> Any:
        """Collect the benchmarks of airspeed velocity and of pyperf, where the suite has any."""
        if self._asv and (collector := self._asv.collect(file_path, parent)):
            return collector
        return self._pyperf(file_path, parent)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep the benchmarks, and give those that are only marked the fixture that measures their bodies."""
        items[:] = [item for item in items if _is_benchmark(item)]
        marked = [item for item in items if not takes_fixture(item)]
        self._by_mark.update(item.nodeid for item in marked)
        for item in marked:
            # Tests that differ in their parameters alone may share this list.
            if "benchmark" not in item.fixturenames:
                item.fixturenames.append("benchmark")
        for item in items:
            for mark in item.iter_markers("benchmark"):
                # pytest-codspeed's own, which pytest-benchmark refuses.
                mark.kwargs.pop("max_rounds", None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool | None:
        """Measure the body of a test that has the mark and does not take the fixture."""
        if pyfuncitem.nodeid not in self._by_mark:
            return None
        names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - as pytest does itself
        benchmark = pyfuncitem.funcargs["benchmark"]
        benchmark(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names})
        return True

    @pytest.fixture
    def codspeed_benchmark(self, benchmark: Any) -> Any:
        """Return the fixture under pytest-codspeed's name for it, whether that is installed or not."""
        return benchmark


def _beside(name: str) -> dict[str, Any]:
    return runpy.run_path(os.path.join(os.path.dirname(__file__), name))  # noqa: PTH118, PTH120 - as the programs


def takes_fixture(item: Any) -> bool:
    """Return True for a test that takes the fixture `benchmark`, by itself or through another fixture."""
    return any(word in getattr(item, "fixturenames", ()) for word in _WORDS)


def _is_benchmark(item: Any) -> bool:
    is_marked = any(item.get_closest_marker(word) for word in _WORDS)
    return takes_fixture(item) or (is_marked and hasattr(item, "fixturenames"))


def tell_what_aspects_need(fixture: Any) -> None:
    """Let `weave` and `patch` of pytest-benchmark's fixture say what to install where aspectlib is missing."""
    woven = fixture.weave

    def weave(self: Any, target: Any, **options: Any) -> Any:
        try:
            return woven(self, target, **options)
        except ImportError as error:
            raise ImportError(_NO_ASPECTS) from error

    fixture.weave = fixture.patch = weave
