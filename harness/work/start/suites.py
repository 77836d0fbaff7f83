"""Find the micro-benchmarks and the locustfile of a project."""

import ast
import os
from collections.abc import Mapping
from pathlib import Path

from harness.work.start.modules import Module

_FIXTURE = "benchmark"


def find_suite(modules: Mapping[str, Module]) -> Path | None:
    """Return the folder or the file that holds all tests of pytest-benchmark; None if there are none."""
    found = [module.path for module in modules.values() if _has_benchmarks(module)]
    if len(found) == 1 and found[0].parent.name not in {"benchmarks", "bench", "benches", "perf"}:
        return found[0]
    folder = Path(os.path.commonpath([str(path.parent) for path in found] or [""]))
    return folder if folder != Path() else found[0] if found else None


def find_locustfile(modules: Mapping[str, Module]) -> Path | None:
    """Return the file that defines users of Locust; None if there is none."""
    files = [
        module.path
        for module in modules.values()
        if any(target.startswith("locust.") for target in module.names.values())
        and any(isinstance(node, ast.ClassDef) for node in module.tree.body)
    ]
    return min(files, key=lambda path: ("locust" not in path.name, len(path.parts), path), default=None)


def _has_benchmarks(module: Module) -> bool:
    return module.path.name.startswith(("test_", "bench_")) and any(
        isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and _FIXTURE in {argument.arg for argument in node.args.args}
        for node in ast.walk(module.tree)
    )
