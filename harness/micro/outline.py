"""List a suite's benchmarks from its source without running it: names without parameters, and docstrings."""

import ast
from collections.abc import Iterator
from pathlib import Path

from harness.micro.places import PATTERNS
from harness.micro.suite import Suite
from harness.storage.files import MOST_DOCUMENT_BYTES, read_bytes

_WORDS = ("benchmark", "codspeed_benchmark")


def outline(suite: Suite) -> list[tuple[str, str]]:
    """Return (name, first line of the docstring) of each benchmark function; a file other than Python has none."""
    files = [file for place in suite.paths() for file in _files(place)]
    return [found for file in files for found in _benchmarks(file, str(file.relative_to(suite.root)))]


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted({file for pattern in PATTERNS for file in place.rglob(pattern)})


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
    if isinstance(node, ast.FunctionDef) and node.name.startswith(("test", "bench_")):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        takes_it = any(argument.arg in _WORDS for argument in arguments)
        if takes_it or any(_is_mark(decorator) for decorator in node.decorator_list):
            first, _, _ = (ast.get_docstring(node) or "").partition("\n")
            yield f"{owner}::{node.name}", first


def _is_mark(decorator: ast.expr) -> bool:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(named, ast.Attribute) and named.attr in _WORDS
