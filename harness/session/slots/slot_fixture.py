"""Let pytest-benchmark's own fixture serve slices: only its timing is replaced, in the process of a slot.

So `isinstance`, `params`, `extra_info`, `stats`, `weave` and `patch` are those of pytest-benchmark. Run by its path.
"""

from collections.abc import Callable
from typing import Any


def adopt_fixture(complete: Callable[[Any], None]) -> Callable[[Any], None] | None:
    """Return a function that makes pytest-benchmark's fixture serve for a plugin; None where it is not installed.

    `complete` is called with the class of the fixture.
    """
    try:
        from pytest_benchmark import utils
    except ImportError:
        return None
    # It asks git what it is measuring, several times, before it knows whether anybody wants to know.
    utils.get_commit_info = lambda *_: {"id": "", "dirty": False}
    from pytest_benchmark.fixture import BenchmarkFixture

    def adopt(plugin: Any) -> None:
        complete(BenchmarkFixture)
        _replace_timing(BenchmarkFixture, plugin)

    return adopt


def _replace_timing(fixture: Any, plugin: Any) -> None:
    make = fixture.__init__

    def begin(self: Any, node: Any, *rest: Any, **options: Any) -> None:
        make(self, node, *rest, **options)
        self.served = plugin.benchmark_of(node)

    def served(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        return _with_stats(self, self.served(function, *args, **kwargs))

    def served_pedantic(self: Any, target: Any, **how: Any) -> Any:
        return _with_stats(self, self.served.pedantic(target, **how))

    fixture.__init__, fixture._raw, fixture._raw_pedantic = begin, served, served_pedantic  # noqa: SLF001 - it has no other place to replace its timing


def _with_stats(fixture: Any, result: Any) -> Any:
    """Give the fixture the statistics of the slices, in seconds per call, and return the result of the call."""
    stats = fixture._make_stats(1)  # noqa: SLF001 - as it does itself
    for seconds in fixture.served.call_s:
        stats.update(seconds)
    return result
