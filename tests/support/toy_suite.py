"""A project with a suite of its own: what it measures, and benchmarks that end in every way."""

POLICY = '[tool.harness]\nsuite = "bench"\nsource-roots = ["src/measured"]\n'
MEASURED = "def add(count):\n    return sum(range(count))\n"
GOOD = '''
import os

import pytest

from measured import add


@pytest.mark.parametrize("count", [10, 10_000])
def test_add(benchmark, count):
    """Sums so many numbers.

    More is said here.
    """
    benchmark.extra_info["per_call"] = count
    assert benchmark.pedantic(add, (count,), rounds=20, iterations=5) == count * (count - 1) // 2


class TestInClass:
    def test_variant(self, benchmark):
        """Prints, and asks for its variant."""
        print('{"type": "began", "name": "no message of ours"}')
        name = os.environ.get("ASSET_CORE_VARIANT", "none")
        assert benchmark.pedantic(str, (name,), rounds=20) == os.environ.get("WANTED", "none")


def test_without_measuring():
    raise AssertionError("no benchmark, so nobody runs it")
'''
BAD = '''
import pytest


def test_wrong(benchmark):
    assert benchmark.pedantic(int, rounds=20) == 1, "what it measured is wrong"


def test_raises(benchmark):
    benchmark(int, "no number")


def test_skips(benchmark):
    pytest.skip("not on this machine")


@pytest.mark.skip(reason="later")
def test_skip_mark(benchmark):
    benchmark(int)


@pytest.mark.xfail(strict=True, reason="a known fault")
def test_xfails(benchmark):
    assert benchmark.pedantic(int, rounds=20) == 1


def test_unused(benchmark):
    """Never calls its fixture."""


def test_lacks_a_fixture(benchmark, nothing):
    """Asks for what nobody has."""
'''
BROKEN = "import no_such_module\n\n\ndef test_never(benchmark):\n    benchmark(int)\n"
ORDINARY = "import no_such_module\n\n\ndef test_of_something_else():\n    assert no_such_module\n"
SKIPS = "import pytest\n\npytest.importorskip('no_numpy')\n\n\ndef test_np(benchmark):\n    benchmark(int)\n"
SLOW = """
import os
import time


def test_first(benchmark):
    benchmark.pedantic(int, rounds=20)


def test_holds(benchmark):
    {action}
    benchmark.pedantic(int, rounds=20)


def test_last(benchmark):
    benchmark.pedantic(int, rounds=20)
"""


def make_project(folder, policy=POLICY, **files):
    """Make the project; `files` are the test files of its suite by name."""
    (folder / "src" / "measured").mkdir(parents=True)
    (folder / "src" / "measured" / "__init__.py").write_text(MEASURED)
    (folder / "pyproject.toml").write_text(policy)
    (folder / "bench").mkdir()
    for name, content in files.items():
        (folder / "bench" / f"test_{name}.py").write_text(content)
    return folder
