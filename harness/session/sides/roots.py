"""Find the measured packages, and the names by which they are imported.

A root is a package with an `__init__.py`, or a module. A folder without one is a namespace package (PEP 420) that
other distributions may share, or a folder on the import path such as `src`: its packages are the roots. The imports of
the benchmarks and of the packages themselves tell which of the two it is.
"""

import ast
import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NamedTuple

from harness.target.spec import kind_and_place

NEVER_LINKED = frozenset(
    {
        "__pycache__",
        ".git",
        ".venv",
        "node_modules",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        "runs",
    }
)
NO_SOURCE = frozenset(
    {
        "tests",
        "test",
        "testing",
        "docs",
        "doc",
        "examples",
        "benchmarks",
        "bench",
        "benches",
        "perf",
        "scripts",
    }
)
"""Top folders of a project whose code is not measured; benchmarks may use it."""
BUILT = ".harness-built.json"
"""File at the top of a built side that tells what its build made."""
_SOURCE = "src"
_MOST_FILES = 300


def source_roots(
    project: Path, named: Sequence[str], suite: Sequence[str] = (), target: str | None = None
) -> dict[str, str]:
    """Return {import name: path in the project} of the roots in this tree.

    Without `named`: the packages in `src/`, else those at the top other than tests and the suite. Of a built side: what its
    build made.
    """
    if (built := read_built(project)) is not None:
        return built.roots
    named = [name for name in named if Path(name) != Path()]
    if not named:
        return dict(_found(project, {part for place in suite for part in Path(place).parts[:1]}))
    leaves = [leaf for name in named for leaf in _leaves(project, _whole_package(project, Path(name)))]
    if all(len(leaf.parts) == 1 for leaf in leaves):
        return {import_name(leaf): str(leaf) for leaf in leaves}
    known = frozenset(_imported(project, [*suite, target, *named]))
    return {_name(leaf, known, named): str(leaf) for leaf in leaves}


class Built(NamedTuple):
    """The result of building a side: {import name: path in the project}, and folders with metadata of packages."""

    roots: dict[str, str]
    metadata: list[str]


def read_built(project: Path) -> Built | None:
    """Return what a build made of a side; None for a side that was not built."""
    try:
        return Built(**json.loads((project / BUILT).read_text("utf-8")))
    except FileNotFoundError:
        return None


def write_built(project: Path, built: Built) -> None:
    """Note what a build made of a side."""
    (project / BUILT).write_text(json.dumps(built._asdict()), "utf-8")


def leaves(place: Path) -> dict[str, Path]:
    """Return {import name: path in `place`} of each package and module in a folder of the import path."""
    return {import_name(leaf): leaf for leaf in _leaves(place, Path())}


def import_name(path: Path) -> str:
    """Return the dotted name of a module or package by its path on the import path."""
    return ".".join((*path.parts[:-1], path.name.partition(".")[0]))


def is_module(path: Path) -> bool:
    """Return True for the file name of an importable module."""
    return path.suffixes == [".py"] or is_compiled(path)


def is_compiled(path: Path) -> bool:
    """Return True for the file name of an extension module for this version of Python."""
    return "".join(path.suffixes) in EXTENSION_SUFFIXES


def _found(project: Path, suite_tops: Collection[str]) -> Iterator[tuple[str, str]]:
    source = Path(_SOURCE)
    if (project / source).is_dir():
        for leaf in _leaves(project, source):
            yield import_name(leaf.relative_to(source)), str(leaf)
        return
    left_out = NO_SOURCE.union(suite_tops)
    for path in sorted(project.iterdir()):
        if path.name not in left_out and (path / "__init__.py").is_file():
            yield path.name, path.name


def _whole_package(project: Path, path: Path) -> Path:
    """Return the outermost package around a path: importing a part imports its parents."""
    while len(path.parts) > 1 and (project / path.parent / "__init__.py").is_file():
        path = path.parent
    return path


def _leaves(project: Path, path: Path) -> Iterator[Path]:
    """Yield the path if it is a package or module, else those inside the folder."""
    place = project / path
    if is_module(path) or (place / "__init__.py").is_file():
        if place.exists():
            yield path
    elif place.is_dir():
        # Compiled modules last: Python prefers them to source of the same name, and the last one of a name counts.
        for child in sorted(place.iterdir(), key=lambda child: (is_compiled(child), child)):
            if child.is_file() and is_module(child) and import_name(Path(child.name)).isidentifier():
                yield path / child.name
            elif child.is_dir() and child.name.isidentifier() and child.name not in NEVER_LINKED:
                yield from _leaves(project, path / child.name)


def _name(leaf: Path, known: frozenset[str], named: Sequence[str]) -> str:
    """Return the longest imported name of a leaf; else its name below the folder that the user named."""
    for start in range(len(leaf.parts)):
        name = import_name(Path(*leaf.parts[start:]))
        if name in known:
            return name
    inside = next((Path(name) for name in named if leaf != Path(name) and leaf.is_relative_to(name)), None)
    return import_name(leaf.relative_to(inside)) if inside else import_name(Path(leaf.name))


def _imported(project: Path, places: Iterable[str | None]) -> Iterator[str]:
    """Yield every dotted name that the files at these places import, with its parents."""
    for place in filter(None, places):
        # A target is a file or a module, with its factory after a colon.
        _, named = kind_and_place(place.partition("?")[0])
        path = named.rpartition(":")[0] or place
        if not (project / path).exists():
            yield from _prefixes(path)
        for file in _python_files(project / path):
            for name in _imports_of(file):
                yield from _prefixes(name)


def _python_files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    found: list[Path] = []
    for folder, names, files in os.walk(place):
        names[:] = sorted(name for name in names if name not in NEVER_LINKED)
        found += [Path(folder, name) for name in sorted(files) if name.endswith(".py")]
        if len(found) > _MOST_FILES:
            break
    return found[:_MOST_FILES]


def _imports_of(file: Path) -> Iterator[str]:
    try:
        nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError, OSError, RecursionError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def missing(named: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Return the roots of the policy that no side has: no path of a root lies in them, or holds them."""
    found = [Path(path) for path in paths]
    return [
        name
        for name in named
        if Path(name) != Path()
        and not any(path.is_relative_to(name) or Path(name).is_relative_to(path) for path in found)
    ]
