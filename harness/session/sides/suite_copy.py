"""The suite of micro-benchmarks of a project: where it is in a tree, and a copy of it for the slots of all sides."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.session.sides.roots import NEVER_LINKED

SUITES = ("benchmarks", "bench", "tests/benchmarks", "tests/bench", "tests/perf", "perf")
"""Folders searched for benchmarks when the policy names no suite."""


def locate_suite(project: Path, named: str | None) -> str:
    """Return the path of the suite in the project. Raises UsageError if there is none."""
    for name in (named,) if named else SUITES:
        if (project / name).exists():
            return name
    raise UsageError(
        f"There is no benchmark suite '{named}'"
        if named
        else "This project has no benchmark suite in the usual folders",
        where=str(project),
        remedy='Name its folder in pyproject.toml: [tool.harness] suite = "benchmarks"',
    )


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
            ignore=shutil.ignore_patterns(*NEVER_LINKED),
            ignore_dangling_symlinks=True,
        )
    else:
        shutil.copy2(taken, bench / taken.name)
    return bench / taken.name if alone else bench / suite
