"""Qualified names for frames that a profiler gives as plain function names with a line.

memray records `get`, py-spy `Store.get`: with the source at hand both have the same key.
"""

import functools
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

from harness.storage import files


class QualifiedNames:
    """Looks names up in source files, each compiled once; a file that cannot be read gives the plain name."""

    def __init__(self) -> None:
        self._by_path: dict[str, dict[tuple[str, int], str]] = {}

    def find(self, function: str, path: str, line: int) -> str:
        """Return the qualified name of the `function` whose code covers `line` of the file at `path`."""
        if path not in self._by_path:
            self._by_path[path] = _names(path, _version(path))
        return self._by_path[path].get((function, line), function)


def _version(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@functools.lru_cache(maxsize=1024)
def _names(path: str, _version: tuple[int, int]) -> dict[tuple[str, int], str]:
    """Return the names of a file, cached, since a session reads many profiles of the same files."""
    try:
        source = files.read_bytes(Path(path), files.MOST_DOCUMENT_BYTES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = compile(source, path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}
    return {
        (code.co_name, line): code.co_qualname
        for code in _code_objects(module)
        for _, _, line in code.co_lines()
        if line is not None
    }


def _code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_objects(constant)
