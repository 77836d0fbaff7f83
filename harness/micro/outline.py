"""List a suite's benchmarks from its source without running it: names without parameters, and docstrings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from harness.micro.suite import Suite
from harness.storage.files import MOST_DOCUMENT_BYTES, read_bytes

_PATTERNS = ("test_*.py", "*_test.py")
_BENCHMARK = re.compile(rb"\bbenchmark\b")


def outline(suite: Suite) -> list[tuple[str, str]]:
    """Return (name, first line of the docstring) of each benchmark function; a file other than Python has none."""
    if suite.place.is_file():
        files = [suite.place]
    else:
        files = sorted({file for pattern in _PATTERNS for file in suite.place.rglob(pattern)})
    return [found for file in files for found in _benchmarks(file, str(file.relative_to(suite.root)))]


def names_benchmark(file: Path) -> bool:
    """Return False only for a readable file without the word `benchmark`: it holds ordinary tests.

    Used for files that cannot be imported, whose content is known from their text alone.
    """
    try:
        return _BENCHMARK.search(file.read_bytes()) is not None
    except OSError:
        return True


def _benchmarks(file: Path, name: str) -> Iterator[tuple[str, str]]:
    try:
        tree = ast.parse(read_bytes(file, MOST_DOCUMENT_BYTES))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                yield from _benchmark(method, f"{name}::{node.name}")
        yield from _benchmark(node, name)


def _benchmark(node: ast.stmt, owner: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        if any(argument.arg == "benchmark" for argument in arguments):
            first, _, _ = (ast.get_docstring(node) or "").partition("\n")
            yield f"{owner}::{node.name}", first
