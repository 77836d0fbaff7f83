"""Overlays: folders that show only a side's source roots, one for each place on the import path.

A root is a tree of real folders with links to the side's files. So byte code is written in the overlay, never in a
user's checkout, and never shared between sides: two checkouts of one second may hold different files of one size,
which byte code cannot tell apart.
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import UsageError

_NEVER_LINKED = {
    "__pycache__",
    ".git",
    ".venv",
    "node_modules",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "runs",
}
_NO_SOURCE = {
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
SUITES = ("benchmarks", "bench", "tests/benchmarks", "tests/bench", "tests/perf", "perf")
"""Where benchmarks are looked for when the policy names no suite."""


def source_roots(project: Path, named: Sequence[str], suite: str | None) -> dict[str, str]:
    """Return {import name: path in the project} of the packages and modules that are measured.

    Without names: what lies in `src/`, else the packages at the top that are neither tests nor the suite.
    """
    paths = [Path(name) for name in named] or list(_found(project, Path(suite or "").parts[:1]))
    return {path.name.removesuffix(".py"): str(path) for path in paths}


def _found(project: Path, suite_top: tuple[str, ...]) -> Iterable[Path]:
    source = project / "src"
    if source.is_dir():
        return [path.relative_to(project) for path in sorted(source.iterdir()) if _is_source(path)]
    left_out = _NO_SOURCE.union(suite_top)
    return [
        Path(path.name)
        for path in sorted(project.iterdir())
        if path.name not in left_out and (path / "__init__.py").is_file()
    ]


def _is_source(path: Path) -> bool:
    return path.suffix == ".py" or (
        path.is_dir() and path.name.isidentifier() and path.name not in _NEVER_LINKED
    )


def find_suite(project: Path, named: str | None) -> str:
    """Return the path of the suite in the project. Raises UsageError if there is none."""
    for name in (named,) if named else SUITES:
        if (project / name).exists():
            return name
    raise UsageError(
        f"There is no benchmark suite '{named}'"
        if named
        else "This project has no benchmark suite that we could find",
        where=str(project),
        remedy='Name its folder in pyproject.toml: [tool.harness] suite = "benchmarks"',
    )


def build_overlay(project: Path, roots: Mapping[str, str], overlay: Path) -> list[str]:
    """Link the roots that the project has into a new folder, and return their import names."""
    overlay.mkdir(parents=True)
    present = {name: project / path for name, path in roots.items() if (project / path).exists()}
    for path in present.values():
        link_tree(path, overlay / path.name)
    return list(present)


def link_tree(source: Path, destination: Path) -> None:
    """Make the folders of `source` anew, with a link to each of its files."""
    source = source.resolve()
    if not source.is_dir():
        destination.symlink_to(source)
        return
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if name not in _NEVER_LINKED]
        place = destination / Path(folder).relative_to(source)
        place.mkdir(exist_ok=True)
        # A linked folder is not walked into: it may lead back here.
        for name in (*files, *(name for name in names if Path(folder, name).is_symlink())):
            (place / name).symlink_to(Path(folder, name))


def contents(overlay: Path) -> dict[str, tuple[int, int]]:
    """Return {file in the overlay: (time of change in ns, size)} of what its links show now; a lost file is (0, 0)."""
    found = {}
    for folder, names, files in os.walk(overlay):
        names[:] = [name for name in names if name != "__pycache__"]
        for name in files:
            path = Path(folder, name)
            found[str(path.relative_to(overlay))] = _stamp(path)
    return found


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size


def copy_suite(project: Path, suite: str, roots: Iterable[str], bench: Path) -> Path:
    """Copy the suite with the top folder that holds it, for its helpers, and return its path below `bench`.

    Where the top folder holds measured code, the suite alone is copied: its neighbours are each side's own.
    """
    path = project / suite
    top = Path(suite).parts[0]
    alone = len(Path(suite).parts) == 1 or any(Path(root).parts[0] == top for root in roots)
    taken = path if alone else project / top
    bench.mkdir(parents=True, exist_ok=True)
    if taken.is_dir():
        shutil.copytree(
            taken,
            bench / taken.name,
            ignore=shutil.ignore_patterns(*_NEVER_LINKED),
            ignore_dangling_symlinks=True,
        )
    else:
        shutil.copy2(taken, bench / taken.name)
    return bench / taken.name if alone else bench / suite


def import_folder(suite: Path) -> Path:
    """Return the folder that plain pytest would put on the import path for the suite's files."""
    folder = suite if suite.is_dir() else suite.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder
