"""Tell whether a project has to be built before it can be measured."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.session.sides.measured import sources_of_compiled

_COMPILING = ("maturin", "mesonpy", "scikit_build_core", "setuptools_rust", "sipbuild")
"""Beginnings of the names of build backends whose purpose is compiled code."""
_MAKES_MODULES = (
    ("tool", "setuptools", "ext-modules"),
    ("tool", "setuptools_scm", "version_file"),
    ("tool", "setuptools_scm", "write_to"),
    ("tool", "hatch", "build", "hooks", "vcs"),
)
"""Places of settings in `pyproject.toml` that make the build compile or generate modules."""
_EXTENSIONS = re.compile(r"\b(ext_modules|rust_extensions|cffi_modules)\b")


def needs_build(project: Path, roots: Iterable[str]) -> bool:
    """Return True if a project's recipes compile or generate modules, or its packages hold sources of compiled ones."""
    recipe = _recipe(project)
    backend = _in(recipe, ("build-system", "build-backend"))
    return (
        (isinstance(backend, str) and backend.startswith(_COMPILING))
        or any(_in(recipe, place) for place in _MAKES_MODULES)
        or _EXTENSIONS.search(_text(project / "setup.py")) is not None
        or any(sources_of_compiled({root: root for root in roots}, project))
    )


def _recipe(project: Path) -> Any:
    try:
        return tomllib.loads(_text(project / "pyproject.toml"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _in(table: Any, place: Iterable[str]) -> Any:
    """Return the value at a place in nested tables; None without one."""
    for key in place:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
