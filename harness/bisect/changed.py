"""The functions that a commit changed, by the lines of its difference."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.session.sides import git

_HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_FILE = re.compile(r"\+\+\+ b/(.+)")
_MOST = 30
MODULE = "(module)"
"""Name of the code outside of functions."""


def changed_functions(project: Path, before: str, commit: str, paths: Sequence[str]) -> list[str]:
    """Return the functions and methods that differ, as `path:name`; a file of other changes stands for itself."""
    words = (
        "diff",
        "--unified=0",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
        "--relative",
    )
    text = git.run(project, *words, before, commit, "--", *paths).stdout
    found: dict[str, None] = {}
    for path, lines in _lines_by_file(text):
        names = _names(project, commit, path, lines) if path.endswith(".py") else []
        found |= dict.fromkeys(f"{path}:{name}" for name in names) if names else {path: None}
    return list(found)[:_MOST]


def _lines_by_file(text: str) -> Iterator[tuple[str, set[int]]]:
    by_file: dict[str, set[int]] = {}
    lines: set[int] = set()
    for line in text.splitlines():
        if found := _FILE.match(line):
            lines = by_file.setdefault(found[1], set())
        elif found := _HUNK.match(line):
            first, count = int(found[1]), int(found[2] or 1)
            lines |= set(range(first, first + max(count, 1)))
    yield from by_file.items()


def _names(project: Path, commit: str, path: str, lines: set[int]) -> list[str]:
    source = git.run(project, "show", f"{commit}:./{path}").stdout
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    spans = [*_functions(tree, "")]
    names = [name for name, first, last in spans if not lines.isdisjoint(range(first, last + 1))]
    beside = lines.difference(*(range(first, last + 1) for _, first, last in spans))
    texts = source.splitlines()
    says = (texts[line - 1].strip() for line in beside if 0 < line <= len(texts))
    return names + [MODULE] * any(text and not text.startswith("#") for text in says)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, int, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{prefix}{child.name}", child.lineno, child.end_lineno or child.lineno
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
