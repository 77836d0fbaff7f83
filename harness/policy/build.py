"""The command that builds a side of a comparison: `build` of `[tool.harness]`, and `--build`."""

import re
import shlex
from pathlib import Path
from typing import Any

import msgspec

PIP = "{python} -m pip install --no-deps --target {overlay} {tree}"
"""The command that the single word `pip` stands for."""
_HOLE = re.compile(r"(?<!\$)\{([a-z_]+)\}")
_HOLES = ("overlay", "tree", "python")


class Build(msgspec.Struct, frozen=True):
    """A command without a shell. `{overlay}` is the folder for what it builds, `{tree}` a copy of the side's files.

    It runs in `{tree}`; `{python}` is the interpreter that the benchmarks run under. Made by `read_build`.
    """

    command: str

    @property
    def _words(self) -> list[str]:
        return shlex.split(PIP if self.command == "pip" else self.command)

    def argv(self, *, overlay: Path, tree: Path, python: str) -> list[str]:
        """Return the command's words; a path with spaces stays in one word."""
        holes = {"overlay": str(overlay), "tree": str(tree), "python": python}
        return [_HOLE.sub(lambda found: holes[found[1]], word) for word in self._words]


def read_build(text: Any) -> Build:
    """Return the command of a text. Raises `ValueError` with a sentence for one that cannot build anything."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it names no command")
    build = Build(text.strip())
    try:
        words = build._words  # noqa: SLF001 - of this module
    except ValueError as error:
        raise ValueError(f"its quotes do not match: {error}") from error
    holes = {found[1] for word in words for found in _HOLE.finditer(word)}
    if unknown := sorted(holes.difference(_HOLES)):
        raise ValueError(f"'{{{unknown[0]}}}' is none of {{overlay}}, {{tree}} and {{python}}")
    if "overlay" not in holes:
        raise ValueError("it has no {overlay}, the folder for what it builds")
    return build
